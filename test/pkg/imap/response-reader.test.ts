import { describe, expect, test } from 'vitest';
import { parseInternalDate, quote, quoteMailbox, searchDay } from '../../../pkg/imap/quote.ts';
import { type Response, ResponseReader } from '../../../pkg/imap/response-reader.ts';
import { readFetch, readValues } from '../../../pkg/imap/response-values.ts';

const text = (response: Response) => response.map(String);

describe('responses', () => {
  const bytes = Buffer.from(
    '* OK hi\r\n* 1 FETCH (UID 7 BODY[] {8}\r\na)\r\n{2}b FLAGS ())\r\n* 2 FETCH (X {0}\r\n)\r\na1 OK\r\n',
  );
  const whole = [
    ['* OK hi'],
    ['* 1 FETCH (UID 7 BODY[] ', 'a)\r\n{2}b', ' FLAGS ())'],
    ['* 2 FETCH (X ', '', ')'],
    ['a1 OK'],
  ];

  test('are the same in whatever portions they come', () => {
    for (let size = 1; size <= bytes.length; size++) {
      const reader = new ResponseReader(100);
      const found: string[][] = [];
      for (let at = 0; at < bytes.length; at += size)
        found.push(...reader.push(bytes.subarray(at, at + size)).map(text));
      expect(found).toEqual(whole);
    }
  });

  test('with a literal that is larger than asked for are a fault', () => {
    expect(() => new ResponseReader(100).push(Buffer.from('* 1 FETCH (BODY[] {101}\r\n'))).toThrow(
      'at most 100',
    );
  });

  test('of a line that never ends are a fault before they fill the memory', () => {
    const reader = new ResponseReader(100);
    const push = () => {
      for (let i = 0; i < 100; i++) reader.push(Buffer.alloc(1024 * 1024, 0x61));
    };
    expect(push).toThrow('a line of more than');
  });
});

describe('values', () => {
  test('of FETCH are read by their names', () => {
    const items = readFetch([
      '* 12 fetch (UID 3 INTERNALDATE "01-Jan-2026 00:00:00 +0000" FLAGS (\\Seen $x) BODY[HEADER]<0> ',
      Buffer.from('A: b'),
      ' X NIL Y "a\\"b")',
    ]);
    expect(items && [...items]).toEqual([
      ['UID', '3'],
      ['INTERNALDATE', '01-Jan-2026 00:00:00 +0000'],
      ['FLAGS', ['\\Seen', '$x']],
      ['BODY[HEADER]<0>', Buffer.from('A: b')],
      ['X', null],
      ['Y', 'a"b'],
    ]);
    expect(readFetch(['* 3 EXISTS'])).toBeNull();
  });

  test('that open lists without end, or close what is not open, are a fault', () => {
    expect(() => readValues(['('.repeat(1000)])).toThrow('without end');
    expect(() => readValues([')'])).toThrow('never opened');
  });
});

describe('what is sent', () => {
  test('cannot end a command', () => {
    expect(quote('a"b\\')).toBe('"a\\"b\\\\"');
    expect(() => quote('a\r\nb')).toThrow('printable ASCII');
    expect(quoteMailbox('a\r\nb&')).toBe('"a&AA0ACg-b&-"');
  });

  // of RFC 3501, section 5.1.3
  test('names mailboxes in any script', () => {
    expect(quoteMailbox('~peter/mail/台北/日本語')).toBe('"~peter/mail/&U,BTFw-/&ZeVnLIqe-"');
  });

  test('and read counts days and seconds', () => {
    expect(searchDay(Date.UTC(2026, 1, 3, 23))).toBe('3-Feb-2026');
    expect(parseInternalDate(' 3-Feb-2026 08:00:01 +0900')).toBe(Date.UTC(2026, 1, 2, 23, 0, 1));
    expect(parseInternalDate('yesterday')).toBeNull();
  });
});
