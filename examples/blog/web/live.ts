import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ActivityLog } from './activity.js'
import { item, totals } from './panel.js'

const PING_MS = 15_000

/** Server-sent events: each activity as the HTML of its item, after those that the page has already. */
export function streamActivity(
  log: ActivityLog,
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
): void {
  const after = Number(request.headers['last-event-id'] ?? query.get('after') ?? 0)
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  response.write('retry: 2000\n\n')
  const stop = log.follow(Number.isFinite(after) ? after : 0, (activity) => {
    const data = JSON.stringify({ html: item(activity).text, totals: totals(log.totals).text })
    response.write(`id: ${activity.id}\nevent: activity\ndata: ${data}\n\n`)
  })
  const ping = setInterval(() => response.write(': still here\n\n'), PING_MS)
  response.on('close', () => {
    clearInterval(ping)
    stop()
  })
}
