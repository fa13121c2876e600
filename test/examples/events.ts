/** A stream of server-sent events, as far as the blog's panel needs it. */
export interface EventReader {
  /** The HTML of the next item that is like that; those before it are passed over. */
  next(wanted: (html: string) => boolean): Promise<string>
  close(): Promise<void>
}

export async function readEvents(url: string): Promise<EventReader> {
  const { body } = await fetch(url)
  if (!body) throw new Error('The stream has no body')
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  return {
    async next(wanted) {
      for (;;) {
        const end = rest.indexOf('\n\n')
        if (end >= 0) {
          const [, data] = /^data: (.*)$/m.exec(rest.slice(0, end)) ?? []
          rest = rest.slice(end + 2)
          const html = data === undefined ? '' : (JSON.parse(data) as { readonly html: string }).html
          if (wanted(html)) return html
          continue
        }
        const { value, done } = await reader.read()
        if (done) throw new Error('The stream has ended')
        rest += value
      }
    },
    // It may have ended with the server.
    close: () => reader.cancel().catch(() => {}),
  }
}
