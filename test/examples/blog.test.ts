import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BlogProcess } from '../support/blog-process.js'
import { readEvents } from './events.js'

describe('the tour', () => {
  let code: number | null
  let output: string

  beforeAll(async () => {
    const blog = new BlogProcess()
    code = await blog.ended
    output = blog.output
  }, 120_000)

  /** The lines of one chapter, by its heading. */
  const chapter = (title: string): readonly string[] => {
    const lines = output.split('\n')
    const start = lines.findIndex((line) => line.trim().replace(/^\d+ +/, '') === title)
    const length = lines.slice(start + 1).findIndex((line) => /^ {1,2}\d+ {2}\S/.test(line))
    return start < 0 ? [] : lines.slice(start, length < 0 ? undefined : start + 1 + length)
  }
  /** What happened, in order: `miss post 9990`. */
  const happened = (title: string): readonly string[] =>
    chapter(title).flatMap((line) => {
      const [, kind, label] = /^ {5}(hit|miss|past|write) +[\d.]+ (?:µs|ms|s) {3}(.+?)(?: {2}.*)?$/.exec(line) ?? []
      return kind ? [`${kind} ${label}`] : []
    })

  it('ends well, with everything as it says', () => {
    expect(output).not.toContain('!!')
    expect(output).toContain('That was the tour.')
    expect(code).toBe(0)
  })

  it('shows how far the seeding is', () => {
    expect(output).toContain('Writing posts: 2,500 of 10,000')
    expect(output).toContain('Writing posts: 10,000 of 10,000')
  })

  it('shows a miss, then a hit', () => {
    expect(happened('A post by its key')).toEqual(['miss post 9990', 'hit post 9990'])
    expect(happened('A relational query')).toEqual([
      'miss post 9990 with author and tags',
      'hit post 9990 with author and tags',
    ])
  })

  it('shows what a write drops, and what it leaves', () => {
    expect(happened('A view more')).toEqual([
      'write views + 1 of post 9990',
      'miss post 9990',
      'miss newest 20 of Gardens',
      'miss post 9990 with author and tags',
      'hit how many in Gardens',
      'hit how many in each category',
      'hit tags of post 9990',
      'hit 11 other lists',
    ])
    expect(chapter('A view more').join('\n')).toMatch(/drops: posts \(\d+ conditions\)/)
    expect(happened('Into another category').slice(1, 3)).toEqual(['hit 10 lists', 'miss 2 lists: Books, Gardens'])
    expect(happened('A bulk update in raw SQL')).toContain('miss 1 list: Books')
  })

  it('shows a transaction from both sides', () => {
    expect(happened('A transaction')).toEqual([
      'hit post 9990',
      'write a new title',
      'past post 9990, inside',
      'hit post 9990, outside',
      'miss post 9990, outside',
    ])
    expect(happened('A rollback').at(-1)).toBe('hit post 9990, outside')
    expect(chapter('A rollback').join('\n')).toContain('drops nothing')
  })

  it('says why something is not cached', () => {
    expect(chapter('Why is it not?').join('\n')).toMatch(/because +now\(\) gives another answer each time/)
  })

  it('compares all answers with the database', () => {
    expect(chapter('Is it true?').join('\n')).toMatch(/(\d+) questions, \1 times the same answer/)
  })
})

describe('its arguments', () => {
  it.each([
    [['--port', 'x', '--serve'], '--port: expected a number from 0 to 65535, got x'],
    [['--port', '3000'], '--port is for --serve'],
    [['--serv'], "Unknown option '--serv'"],
  ])('%j', async (args, message) => {
    const blog = new BlogProcess(...args)
    expect(await blog.ended).toBe(1)
    expect(blog.output).toContain(message)
    expect(blog.output).toContain('npm run demo')
  })
})

describe('the web application', () => {
  let blog: BlogProcess
  let url: string

  beforeAll(async () => {
    blog = new BlogProcess('--serve', '--port', '0')
    url = await blog.url()
  }, 120_000)
  afterAll(async () => {
    await blog.stop()
  })

  const page = async (path: string): Promise<string> => (await fetch(url + path)).text()
  const submit = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(url + path, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual', headers })

  it('shows the newest posts, of all and of one category', async () => {
    expect(await page('/')).toContain('10,000 posts, the newest first')
    expect(await page('/')).toContain('<a href="/posts/10000">')
    expect(await page('/categories/1')).toContain('<h1>Books</h1>')
  })

  it('tells of reads and of what a write dropped, as they happen, and shows a comment at once', async () => {
    await page('/posts/9000')
    const events = await readEvents(`${url}/events?after=${/data-after="(\d+)"/.exec(await page('/posts/9000'))?.[1]}`)

    const { status, headers } = await submit('/posts/9000/comments', { author: 'Ada <b>', body: '"Quite" & <i>so</i>' })
    expect([status, headers.get('location')]).toEqual([303, '/posts/9000'])
    const shown = await page('/posts/9000')
    expect(shown).toContain('&quot;Quite&quot; &amp; &lt;i&gt;so&lt;/i&gt;')
    expect(shown).toContain('Ada &lt;b&gt;')

    const write = await events.next((text) => text.includes('a comment on post 9000'))
    expect(write).toContain('drops comments (1 condition)')
    const miss = await events.next((text) => text.includes('comments on post 9000'))
    expect(miss).toContain('no longer in the cache')
    expect(await events.next((text) => text.includes('GET /posts/9000'))).toContain('4 hits, 1 miss')
    await events.close()
  })

  it('counts likes and views, and moves a post', async () => {
    const before = await page('/posts/8000')
    const count = (name: string, text: string) =>
      Number(new RegExp(`${name} \\(([\\d,]+)\\)`).exec(text)?.[1]?.replace(',', ''))
    await submit('/posts/8000/like', {})
    await submit('/posts/8000/view', {})
    const after = await page('/posts/8000')
    expect(count('Like', after)).toBe(count('Like', before) + 1)
    expect(count('Count a view', after)).toBe(count('Count a view', before) + 1)

    expect((await submit('/posts/8000', { title: 'Moved <on>', category: '12' })).status).toBe(303)
    expect(await page('/posts/8000')).toContain('<h1>Moved &lt;on&gt;</h1>')
    expect(await page('/posts/8000/edit')).toContain('<option value="12" selected>')
  })

  it('keeps what was typed where a form is not filled in', async () => {
    const rejected = await submit('/posts/9000/comments', { author: 'Bo', body: ' ' })
    expect(rejected.status).toBe(400)
    const text = await rejected.text()
    expect(text).toContain('A comment needs a name and a text.')
    expect(text).toContain('value="Bo"')
    expect((await submit('/posts/8000', { title: '', category: '1' })).status).toBe(400)
    expect((await submit('/posts/8000', { title: 'x', category: '99' })).status).toBe(400)
  })

  it('answers what it does not have with a page', async () => {
    const statuses = ['/nothing', '/posts/999999999', '/posts/99999999999999', '/categories/99', '//', '/%ff']
    for (const path of statuses) expect([path, (await fetch(url + path)).status]).toEqual([path, 404])
    expect((await fetch(`${url}/posts/1`, { method: 'DELETE' })).status).toBe(405)
    expect((await submit('/posts/1/like', {}, { origin: 'http://elsewhere.example' })).status).toBe(403)
    expect((await submit('/posts/1/comments', { author: 'x', body: 'x'.repeat(20_000) })).status).toBe(413)
  })

  it('ends when it is told to, also with a panel connected', async () => {
    const events = await readEvents(`${url}/events`)
    expect(await blog.stop()).toBe(0)
    await events.close()
  })
})
