import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeSseParser, readSse, type SseEvent, SseTooLargeError } from '../../../pkg/http/sse.ts';

const parse = (...texts: string[]) => {
  const parser = makeSseParser();
  return texts.flatMap((text) => parser.push(Buffer.from(text)));
};
const cut = (bytes: Uint8Array, sizes: readonly number[]) => {
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...pieces, bytes.subarray(at)];
};

describe('an event stream', () => {
  test.each<[string, string, SseEvent[]]>([
    [
      'a name, an id and data',
      'event: status\nid: 7\ndata: {}\n\n',
      [{ event: 'status', id: '7', data: '{}' }],
    ],
    ['several data lines', 'data: a\ndata:b\ndata\n\n', [{ event: 'message', id: '', data: 'a\nb\n' }]],
    ['a comment', ': ping\n\n', []],
    ['an event without data', 'event: x\n\ndata: y\n\n', [{ event: 'message', id: '', data: 'y' }]],
    ['a byte order mark and CRLF', '\ufeffdata: a\r\n\r\n', [{ event: 'message', id: '', data: 'a' }]],
    [
      'CR as line end',
      'data: a\r\rdata: b\r\r ',
      [
        { event: 'message', id: '', data: 'a' },
        { event: 'message', id: '', data: 'b' },
      ],
    ],
    ['an id with U+0000', 'id: a\0b\ndata: x\n\n', [{ event: 'message', id: '', data: 'x' }]],
    [
      'an id that stays',
      'id: 1\ndata: a\n\ndata: b\n\n',
      [
        { event: 'message', id: '1', data: 'a' },
        { event: 'message', id: '1', data: 'b' },
      ],
    ],
    ['an event that is cut off', 'data: a\n', []],
  ])('with %s', (_what, text, events) => {
    expect(parse(text)).toEqual(events);
  });

  test('says how long to wait before asking again', () => {
    const parser = makeSseParser();
    parser.push(Buffer.from('retry: 5000\nretry: soon\n'));
    expect(parser.retryMs).toBe(5000);
  });

  test('gives the same events wherever it is cut', () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n\0]/g, ''));
    const ends = fc.constantFrom('\n', '\r\n', '\r');
    const event = fc.record({ event: line, id: line, data: fc.array(line, { minLength: 1 }) });
    fc.assert(
      fc.property(fc.array(event), ends, fc.array(fc.nat(9)), (events, end, sizes) => {
        const text = events
          .flatMap(({ event, id, data }) => [
            `event: ${event}`,
            `id: ${id}`,
            ...data.map((each) => `data: ${each}`),
            '',
          ])
          .map((each) => each + end)
          .join('');
        const parser = makeSseParser();
        const got = cut(Buffer.from(`${text}:`), sizes).flatMap((piece) => parser.push(piece));
        // an event whose data is one empty line is given; none is lost, none is torn
        expect(got).toEqual(
          events.map(({ event, id, data }) => ({ event: event || 'message', id, data: data.join('\n') })),
        );
      }),
    );
  });

  test('is given up when an event has no end', () => {
    const parser = makeSseParser(100);
    expect(() => parser.push(Buffer.from(`data: ${'x'.repeat(200)}`))).toThrow(SseTooLargeError);
    const lines = makeSseParser(100);
    expect(() => lines.push(Buffer.from('data: 1234567890\n'.repeat(20)))).toThrow(SseTooLargeError);
  });

  test('is read from an iterable of bytes', async () => {
    const bytes = async function* () {
      yield Buffer.from('data: a\n');
      yield Buffer.from('\ndata: b\n\n');
    };
    const seen: string[] = [];
    for await (const event of readSse(bytes())) seen.push(event.data);
    expect(seen).toEqual(['a', 'b']);
  });
});
