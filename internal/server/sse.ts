import { Readable } from 'node:stream';
import type { LiveMessage } from '../session/live.ts';
import type { RouteAnswer } from './route.ts';

/** How much of an event stream waits for a slow reader at most before the next piece is made; bytes. */
const bufferBytes = 64 * 1024;

/**
 * Answers with a stream of server-sent events. The next message is made when the reader has taken the ones before.
 * @param options.ids false: no `id:` lines, for readers that cannot resume
 * @see HTML, section 9.2, "Server-sent events"
 */
export function eventStream(
  messages: AsyncIterable<LiveMessage>,
  options: { readonly ids: boolean } = { ids: true },
): RouteAnswer {
  async function* lines(): AsyncGenerator<Buffer, void, void> {
    for await (const message of messages) yield Buffer.from(toText(message, options.ids));
  }
  return {
    status: 200,
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Proxies that buffer would hold events back.
      'x-accel-buffering': 'no',
    },
    body: Readable.from(lines(), { objectMode: false, highWaterMark: bufferBytes }),
  };
}

function toText(message: LiveMessage, ids: boolean): string {
  if (!('data' in message)) return ': still here\n\n';
  const id = ids ? `id: ${message.id}\n` : '';
  return `${id}event: ${message.event}\ndata: ${JSON.stringify(message.data)}\n\n`;
}
