import { formatNumber, plural } from '../format.js'
import type * as queries from '../queries.js'
import { type Html, html } from './html.js'
import type { Category } from './layout.js'

type Line = Awaited<ReturnType<typeof queries.newestPosts>>[number]
type Post = NonNullable<Awaited<ReturnType<typeof queries.findPost>>>
type Comment = Awaited<ReturnType<typeof queries.commentsOfPost>>[number]

export const listPage = (title: string, count: number, posts: readonly Line[], random: readonly Line[]): Html =>
  html`<h1>${title}</h1>
<p class="quiet">${plural(count, 'post')}, the newest first</p>
${lines(posts)}
${
  random.length === 0
    ? undefined
    : html`<h2>Three at random</h2>
<p class="quiet">ORDER BY random(): never from the cache</p>
${lines(random)}`
}`

const lines = (posts: readonly Line[]): Html =>
  html`<ul class="posts">${posts.map(
    ({ id, title, views, publishedAt }) => html`
  <li><a href="/posts/${id}">${title}</a> <span class="quiet">${day(publishedAt)} · ${plural(views, 'view')}</span></li>`,
  )}
</ul>`

export interface PostView {
  readonly post: Post
  readonly author: string
  readonly category: Category
  readonly tags: readonly { readonly name: string }[]
  readonly comments: readonly Comment[]
}

export const postPage = ({ post, author, category, tags, comments }: PostView, rejected?: Rejected): Html =>
  html`<article>
<h1>${post.title}</h1>
<p class="quiet">${author} · ${day(post.publishedAt)} · <a href="/categories/${category.id}">${category.name}</a></p>
${post.body.split('\n\n').map((paragraph) => html`<p>${paragraph}</p>`)}
<ul class="tags" aria-label="Tags">${tags.map(({ name }) => html`<li>${name}</li>`)}</ul>
<div class="actions">
  <form method="post" action="/posts/${post.id}/like"><button>Like (${formatNumber(post.likes)})</button></form>
  <form method="post" action="/posts/${post.id}/view"><button>Count a view (${formatNumber(post.views)})</button></form>
  <a href="/posts/${post.id}/edit">Edit</a>
</div>
</article>
<section aria-labelledby="comments">
<h2 id="comments">${plural(comments.length, 'comment')}</h2>
<ol class="comments">${comments.map(
    (comment) => html`
  <li><p>${comment.body}</p><p class="quiet">${comment.author} · ${day(comment.createdAt)}</p></li>`,
  )}
</ol>
<form method="post" action="/posts/${post.id}/comments" class="stacked">
  <h3>Add a comment</h3>
  ${problem(rejected)}
  <label>Your name <input name="author" required maxlength="80" autocomplete="name" value="${rejected?.values.author ?? ''}"></label>
  <label>Comment <textarea name="body" required maxlength="2000" rows="4">${rejected?.values.body ?? ''}</textarea></label>
  <button>Add the comment</button>
</form>
</section>`

/** What was sent and why it was not taken. */
export interface Rejected {
  readonly problem: string
  readonly values: Readonly<Record<string, string>>
}

export const editPage = (post: Post, categories: readonly Category[], rejected?: Rejected): Html =>
  html`<h1>Edit a post</h1>
<form method="post" action="/posts/${post.id}" class="stacked">
  ${problem(rejected)}
  <label>Title <input name="title" required maxlength="200" value="${rejected?.values.title ?? post.title}"></label>
  <label>Category <select name="category">${categories.map(
    ({ id, name }) =>
      html`<option value="${id}"${id === post.categoryId ? html` selected` : undefined}>${name}</option>`,
  )}</select></label>
  <div class="actions"><button>Save</button> <a href="/posts/${post.id}">Cancel</a></div>
</form>`

export const messagePage = (title: string, text: string): Html =>
  html`<h1>${title}</h1><p>${text}</p><p><a href="/">To the newest posts</a></p>`

const problem = (rejected: Rejected | undefined): Html | undefined =>
  rejected && html`<p class="problem" role="alert">${rejected.problem}</p>`

const day = (timestamp: string): Html => {
  const date = new Date(`${timestamp.slice(0, 10)}T00:00:00Z`)
  const text = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })
  return html`<time datetime="${timestamp.slice(0, 10)}">${text}</time>`
}
