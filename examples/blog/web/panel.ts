import { formatNumber, formatTime, plural } from '../format.js'
import { dropped } from '../watch.js'
import type { Activity, ActivityLog, Counts } from './activity.js'
import { type Html, html } from './html.js'

/** What the cache did, at the side of every page. Without JavaScript it shows what was until the page was made. */
export function panel(log: ActivityLog): Html {
  return html`<aside class="panel" aria-labelledby="panel-title" data-after="${log.latest[0]?.id ?? 0}">
  <h2 id="panel-title">What the cache did</h2>
  <p class="totals">${totals(log.totals)}</p>
  <p class="status" role="status">As of this page</p>
  <ol>${log.latest.map(item)}</ol>
</aside>`
}

export const totals = (counts: Counts): Html =>
  html`${words(counts).map((text) => html`<span>${text}</span> `)}<span>${rate(counts)}</span>`

const rate = ({ hit, miss }: Counts): string =>
  hit + miss === 0 ? '' : `${Math.round((100 * hit) / (hit + miss))} % hits`

const words = ({ hit, miss, past }: Counts): readonly string[] => [
  plural(hit, 'hit'),
  miss === 1 ? '1 miss' : `${formatNumber(miss)} misses`,
  `${formatNumber(past)} past`,
]

export function item(activity: Activity): Html {
  if (activity.kind === 'request') {
    const { method, path, counts } = activity
    const answers = words(counts).filter((text) => !text.startsWith('0 '))
    return html`<li class="request"><strong>${method} ${path}</strong> <span>${answers.join(', ') || 'no reads'}</span></li>`
  }
  const { label, milliseconds, outcome, reason, sql, drops } = activity.observed
  const kind = outcome ?? 'write'
  const what = drops.map(dropped).filter((text) => text !== '')
  const text = sql ?? drops.map(({ cause }) => cause).join('; ')
  return html`<li class="call ${kind}">
  <span class="kind">${kind}</span>
  ${text === '' ? html`<span>${label}</span>` : html`<details><summary>${label}</summary><code>${text}</code></details>`}
  <span class="time">${formatTime(milliseconds)}</span>
  ${reason === undefined ? undefined : html`<p>${reason}</p>`}
  ${outcome === undefined ? html`<p>drops ${what.join('; ') || 'nothing'}</p>` : undefined}
</li>`
}
