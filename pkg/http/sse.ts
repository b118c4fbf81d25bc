/**
 * Reads `text/event-stream`.
 * @see WHATWG HTML, section 9.2.6 "Interpreting an event stream"
 */

/** One event. */
export interface SseEvent {
  /** `message` when the stream does not name one */
  readonly event: string;
  /** the data lines, joined by newlines */
  readonly data: string;
  /** the newest id up to here, for `Last-Event-ID`; `''` before the first */
  readonly id: string;
}

/** An event is longer than it may be, so that reading on would take memory without limit. */
export class SseTooLargeError extends Error {
  override readonly name = 'SseTooLargeError';
}

/** Takes bytes cut anywhere, gives events. */
export interface SseParser {
  /** @throws {SseTooLargeError} the parser is of no use then */
  push(bytes: Uint8Array): SseEvent[];
  /** what the stream last said of how long to wait before asking again; ms, null = nothing */
  readonly retryMs: number | null;
}

/**
 * Makes a parser for one stream. An event that the end of the stream cuts off is not given, as the standard says.
 * @param maxEventChars longest event; characters, default 8 Mi
 */
export function makeSseParser(maxEventChars = 8 * 1024 ** 2): SseParser {
  const decoder = new TextDecoder();
  let rest = '';
  let [event, data, id] = ['', '', ''];
  let size = 0;
  let retryMs: number | null = null;

  const field = (name: string, value: string) => {
    if (name === 'event') event = value;
    else if (name === 'data') data += `${value}\n`;
    else if (name === 'id' && !value.includes('\0')) id = value;
    else if (name === 'retry' && /^\d{1,9}$/.test(value)) retryMs = Number(value);
  };

  const line = (text: string): SseEvent | null => {
    if (text === '') {
      const done = data === '' ? null : { event: event || 'message', data: data.slice(0, -1), id };
      event = '';
      data = '';
      size = 0;
      return done;
    }
    size += text.length;
    const colon = text.indexOf(':');
    if (colon === -1) field(text, '');
    else if (colon > 0) field(text.slice(0, colon), text.slice(colon + (text[colon + 1] === ' ' ? 2 : 1)));
    return null;
  };

  return {
    push: (bytes) => {
      const events: SseEvent[] = [];
      const text = rest + decoder.decode(bytes, { stream: true });
      let from = 0;
      // what is left of the push before holds no end of line, except perhaps a CR as its last character
      let search = Math.max(0, rest.length - 1);
      for (;;) {
        const end = endOfLine(text, search);
        if (end === null) break;
        const made = line(text.slice(from, end.at));
        if (made) events.push(made);
        from = end.next;
        search = from;
      }
      rest = text.slice(from);
      if (size + rest.length > maxEventChars)
        throw new SseTooLargeError(`an event of the stream is longer than ${maxEventChars} characters`);
      return events;
    },
    get retryMs() {
      return retryMs;
    },
  };
}

/** Finds where a line ends: LF, CRLF or CR. A CR at the very end waits, for a LF may follow. */
function endOfLine(text: string, from: number): { at: number; next: number } | null {
  const ends = /[\r\n]/g;
  ends.lastIndex = from;
  const at = ends.exec(text)?.index;
  if (at === undefined || (text[at] === '\r' && at + 1 === text.length)) return null;
  return { at, next: text[at] === '\r' && text[at + 1] === '\n' ? at + 2 : at + 1 };
}

/** Reads a whole stream, event by event. */
export async function* readSse(stream: AsyncIterable<Uint8Array>): AsyncGenerator<SseEvent> {
  const parser = makeSseParser();
  for await (const bytes of stream) yield* parser.push(bytes);
}
