/**
 * Looks at the web application in a real browser (not a part of `npm test`):
 * `npx tsx examples/blog/browser-check.ts [directory for screenshots]`. Needs Chromium: `CHROMIUM`, else /usr/bin/chromium.
 */
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BlogProcess } from '../../test/support/blog-process.js'
import { Browser } from '../../test/support/browser.js'

const directory = process.argv[2] ?? join(tmpdir(), 'cacheops-blog')

function check(what: string, fine: boolean): void {
  console.log(`${fine ? 'ok  ' : 'FAIL'}  ${what}`)
  if (!fine) process.exitCode = 1
}

/** A condition on the panel's text, as the page would write it. */
const panelSays = (text: string) => `document.querySelector('.panel').innerText.includes(${JSON.stringify(text)})`

async function look(browser: Browser, url: string): Promise<void> {
  await browser.open(`${url}/posts/9990`)
  check('the panel is connected', await browser.until(`document.querySelector('.status').innerText === 'Live'`))

  const body = new URLSearchParams({ author: 'Someone else', body: 'From another window.' })
  await fetch(`${url}/posts/9990/comments`, { method: 'POST', body })
  check('an open page shows what others do', await browser.until(panelSays('a comment on post 9990')))
  check('and what that dropped', await browser.until(panelSays('drops comments (1 condition)')))

  await browser.evaluate(`
    document.querySelector('[name=author]').value = '<script>'
    document.querySelector('[name=body]').value = '<img src=x onerror="document.title = 1">'
    document.querySelector('[name=body]').form.querySelector('button').click()`)
  const shown = `[...document.querySelectorAll('.comments li')].some((li) => li.innerText.includes('<img src=x'))`
  check('a comment is there after its form, as text', await browser.until(shown))
  check('and is not HTML', (await browser.evaluate(`document.querySelectorAll('img').length`)) === 0)

  const labels = `[...document.querySelectorAll('input, textarea, select')].every((field) => field.labels.length === 1)`
  check('every field has a label', (await browser.evaluate(labels)) === true)
  const wide = `document.documentElement.scrollWidth <= document.documentElement.clientWidth`
  await browser.show(420, 900)
  for (const path of ['/', '/categories/1', '/posts/9990', '/posts/9990/edit', '/nothing']) {
    await browser.open(url + path)
    check(`${path} does not scroll sideways on a small screen`, (await browser.evaluate(wide)) === true)
  }
}

async function takePictures(browser: Browser, url: string): Promise<void> {
  mkdirSync(directory, { recursive: true })
  const pictures = [
    ['home', '/', 1280, 900, 'light'],
    ['post', '/posts/9990', 1280, 1000, 'light'],
    ['dark', '/posts/9990', 1280, 1000, 'dark'],
    ['edit', '/posts/9990/edit', 1280, 700, 'light'],
    ['narrow', '/posts/9990', 420, 1400, 'light'],
  ] as const
  for (const [name, path, width, height, scheme] of pictures) {
    await browser.open(url + path)
    await browser.until(`document.querySelector('.status').innerText === 'Live'`)
    await browser.show(width, height, scheme)
    await browser.screenshot(join(directory, `${name}.png`))
  }
  console.log(`Pictures are in ${directory}`)
}

const blog = new BlogProcess('--serve', '--port', '0')
try {
  const url = await blog.url()
  const browser = await Browser.start()
  try {
    await look(browser, url)
    await fetch(`${url}/posts/9990/view`, { method: 'POST' })
    await takePictures(browser, url)
  } finally {
    await browser.close()
  }
} finally {
  await blog.stop()
}
