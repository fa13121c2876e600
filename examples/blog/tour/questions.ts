import type { Blog } from '../blog.js'
import * as queries from '../queries.js'
import type { Question } from './guide.js'

export interface Category {
  readonly id: number
  readonly name: string
}

/** What the tour asks again and again: one post that is new enough to be on its category's list, and what shows it. */
export interface Subject {
  readonly id: number
  readonly category: Category
  /** Where the post moves to. */
  readonly other: Category
  readonly post: Question
  readonly newest: Question
  readonly count: Question
  readonly total: Question
  readonly full: Question
  readonly tags: Question
  readonly perCategory: Question
  /** The newest posts of every category, each by the category's name. */
  readonly lists: readonly Question[]
}

export async function chooseSubject({ plain }: Blog, id: number): Promise<Subject> {
  const post = await queries.findPost(plain, id)
  const categories = await queries.listCategories(plain)
  const category = categories.find((candidate) => candidate.id === post?.categoryId)
  const other = categories.find((candidate) => candidate !== category)
  if (!category || !other) throw new Error(`Post ${id} is not in a category`)
  return {
    id,
    category,
    other,
    post: { label: `post ${id}`, ask: (db) => queries.findPost(db, id) },
    newest: { label: `newest 20 of ${category.name}`, ask: (db) => queries.newestOfCategory(db, category.id) },
    count: { label: `how many in ${category.name}`, ask: (db) => queries.countOfCategory(db, category.id) },
    total: { label: 'how many in all', ask: (db) => queries.countPosts(db) },
    full: { label: `post ${id} with author and tags`, ask: (db) => queries.postWithAuthorAndTags(db, id) },
    tags: { label: `tags of post ${id}`, ask: (db) => queries.tagsOfPost(db, id) },
    perCategory: { label: 'how many in each category', ask: (db) => queries.postsByCategory(db) },
    lists: categories.map(({ id: categoryId, name }) => ({
      label: name,
      ask: (db) => queries.newestOfCategory(db, categoryId),
    })),
  }
}
