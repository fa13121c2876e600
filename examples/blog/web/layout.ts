import type { ActivityLog } from './activity.js'
import { type Html, html } from './html.js'
import { panel } from './panel.js'

export interface Category {
  readonly id: number
  readonly name: string
}

export interface Page {
  readonly title: string
  readonly body: Html
  /** The links at the top, and which of them the page belongs to: a category's id, or `'all'`. */
  readonly categories?: readonly Category[]
  readonly current?: number | 'all' | undefined
}

export function layout({ title, body, categories = [], current }: Page, log: ActivityLog): Html {
  const link = (href: string, name: string, here: boolean) =>
    html`<li><a href="${href}"${here ? html` aria-current="page"` : undefined}>${name}</a></li>`
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – The cached blog</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
<link rel="stylesheet" href="/panel.css">
<script src="/live.js" type="module"></script>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header>
  <p class="name"><a href="/">The cached blog</a></p>
  <nav aria-label="Categories"><ul>
    ${link('/', 'All', current === 'all')}
    ${categories.map(({ id, name }) => link(`/categories/${id}`, name, current === id))}
  </ul></nav>
</header>
<div class="columns">
<main id="content">${body}</main>
${panel(log)}
</div>
</body>
</html>
`
}
