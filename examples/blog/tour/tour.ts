import type { Blog } from '../blog.js'
import { figures } from './figures.js'
import { Guide } from './guide.js'
import { chooseSubject } from './questions.js'
import { reads } from './reads.js'
import { reasons } from './reasons.js'
import { transactions } from './transactions.js'
import { writes } from './writes.js'

const POST = 9_990

/** The tour, in order. False where something was not as it says. */
export async function tour(blog: Blog): Promise<boolean> {
  const guide = new Guide(blog)
  const subject = await chooseSubject(blog, POST)
  await reads(guide, subject)
  await writes(guide, subject)
  await transactions(guide, subject)
  await reasons(guide, subject)
  await figures(guide, subject)
  console.log(
    guide.content
      ? '\n  That was the tour. The same blog in the browser: npm run demo -- --serve\n'
      : '\n  Something above was not as the tour says it is: look for !!\n',
  )
  return guide.content
}
