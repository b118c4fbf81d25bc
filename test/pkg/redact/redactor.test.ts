import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formsOf } from '../../../pkg/redact/forms.ts';
import { Matcher } from '../../../pkg/redact/matcher.ts';
import { makeRedactor } from '../../../pkg/redact/redactor.ts';

const redactorOf = (...values: string[]) => makeRedactor(values.map((value) => ({ name: 'S', value })));
const mask = (text: string, ...values: string[]) => redactorOf(...values).text(text);
const stars = (count: number) => '*'.repeat(count);

/** Sends bytes in pieces that begin at the given places. */
function inPieces(values: readonly string[], bytes: Buffer, cuts: readonly number[]): Buffer {
  const stream = redactorOf(...values).stream();
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const parts = places.slice(1).map((to, index) => stream.push(bytes.subarray(places[index], to)));
  return Buffer.concat([...parts, stream.end()]);
}

/** The same by the definition: every byte of every occurrence of every form. */
function plainly(values: readonly string[], bytes: Buffer): Buffer {
  const out = Buffer.from(bytes);
  for (const form of values.filter((value) => Buffer.byteLength(value) >= 6).flatMap(formsOf)) {
    for (let at = bytes.indexOf(form); at !== -1; at = bytes.indexOf(form, at + 1)) {
      out.fill('*', at, at + form.length);
    }
  }
  return out;
}

describe('a redactor', () => {
  test('masks every byte of a secret and nothing else', () => {
    expect(mask('a hunter22! b', 'hunter22!')).toBe(`a ${stars(9)} b`);
    expect(mask('hunter22', 'hunter22!')).toBe('hunter22');
    expect(mask('日本 pässwörd 日本', 'pässwörd')).toBe(`日本 ${stars(10)} 日本`);
  });

  test('masks secrets that overlap, follow or contain each other', () => {
    expect(mask('xabcabcabcx', 'abcabc')).toBe(`x${stars(9)}x`);
    expect(mask('abcdefghij', 'abcdefg', 'defghij')).toBe(stars(10));
    expect(mask('abcdefghij!', 'cdefgh', 'abcdefghij')).toBe(`${stars(10)}!`);
    expect(mask('abcdefghi.', 'cdefgh', 'abcdefghij')).toBe(`ab${stars(6)}i.`);
  });

  test('without secrets passes everything on as it is', () => {
    const bytes = Buffer.from('anything');
    const stream = makeRedactor([]).stream();
    expect(stream.push(bytes)).toEqual(bytes);
    expect(stream.end()).toHaveLength(0);
    expect(makeRedactor([]).overlapBytes).toBe(0);
  });

  test('names secrets that are too short, does not mask them, and says nothing of empty ones', () => {
    const redactor = makeRedactor([
      { name: 'PIN_TOKEN', value: '12345' },
      { name: 'NONE', value: '' },
      { name: 'LONG', value: '123456' },
    ]);
    expect(redactor.refused).toEqual(['PIN_TOKEN']);
    expect(redactor.text('12345 123456')).toBe(`12345 ${stars(6)}`);
  });

  test('holds back only what may begin a secret, until that is decided', () => {
    const stream = redactorOf('secret-value').stream();
    expect(Buffer.from(stream.push(Buffer.from('see sec'))).toString()).toBe('see ');
    expect(stream.push(Buffer.from('ret-'))).toHaveLength(0);
    expect(Buffer.from(stream.push(Buffer.from('x '))).toString()).toBe('secret-x ');
    expect(Buffer.from(stream.push(Buffer.from('secret-valu'))).toString()).toBe('');
    expect(Buffer.from(stream.push(Buffer.from('e'))).toString()).toBe(stars(12));
    expect(Buffer.from(stream.push(Buffer.from('secret'))).toString()).toBe('');
    expect(Buffer.from(stream.end()).toString()).toBe('secret');
  });

  test('leaves the bytes that it is given as they are', () => {
    const bytes = Buffer.from('x secret-value x');
    redactorOf('secret-value').stream().push(bytes);
    expect(bytes.toString()).toBe('x secret-value x');
  });

  test('finds a secret across a place where reading begins anew, with the overlap', () => {
    const redactor = redactorOf('abcdef-ghijkl');
    const bytes = Buffer.from(`${'.'.repeat(100)}abcdef-ghijkl${'.'.repeat(100)}`);
    const whole = plainly(['abcdef-ghijkl'], bytes);
    for (let place = 95; place < 118; place++) {
      const from = Math.max(0, place - redactor.overlapBytes);
      const stream = redactor.stream();
      const again = Buffer.concat([stream.push(bytes.subarray(from)), stream.end()]);
      expect(again.subarray(place - from)).toEqual(whole.subarray(place));
    }
  });
});

describe('a form of a secret is masked:', () => {
  const value = `p@ss "w'rd"/$x <é>`;
  test.each([
    ['URL component', encodeURIComponent(value)],
    ['URL component in lower case', encodeURIComponent(value).replace(/%../g, (part) => part.toLowerCase())],
    ['form field', new URLSearchParams({ v: value }).toString().slice(2)],
    ['JSON', JSON.stringify(value).slice(1, -1)],
    ['JSON in ASCII', `p@ss \\"w'rd\\"/$x <\\u00e9>`],
    ['JSON with escaped slashes', `p@ss \\"w'rd\\"\\/$x <é>`],
    ['JSON safe for HTML', `p@ss \\"w'rd\\"/$x \\u003cé\\u003e`],
    ['shell with backslashes', `p@ss\\ \\"w\\'rd\\"/\\$x\\ \\<é\\>`],
    ['shell in single quotes', `p@ss "w'\\''rd"/$x <é>`],
    ['shell in double quotes', `p@ss \\"w'rd\\"/\\$x <é>`],
    ['hex', Buffer.from(value).toString('hex')],
    ['hex in upper case', Buffer.from(value).toString('hex').toUpperCase()],
  ])('%s', (_name, form) => {
    expect(mask(`<<${form}>>`, value)).toBe(`<<${stars(Buffer.byteLength(form))}>>`);
  });

  test.each(['base64', 'base64url'] as const)('%s, wherever it stands in what was encoded', (encoding) => {
    for (const before of ['', 'u', 'u:', 'usr']) {
      for (const after of ['', 'x', 'xy', 'xyz']) {
        const secret = 'sécret>>>???value';
        const encoded = Buffer.from(before + secret + after).toString(encoding);
        const masked = mask(encoded, secret);
        // one character on either side belongs to the neighbours too
        expect(masked.replaceAll('*', '').replace(/=+$/, '').length).toBeLessThanOrEqual(
          Math.ceil((before.length * 8) / 6) + Math.ceil((after.length * 8) / 6) + 2,
        );
        expect(masked).toHaveLength(encoded.length);
      }
    }
  });

  test.each(['\n', '\r\n', ' ', '\\n', ''])('lines joined by %j', (join) => {
    const lines = ['-----BEGIN KEY-----', 'AbCdEf012345', 'xyz', '-----END KEY-----'];
    const text = lines.join(join);
    expect(mask(`(${text})`, `${lines.join('\n')}\n`)).toBe(`(${stars(text.length)})`);
  });

  test('a single line of several, when it is long enough', () => {
    const secret = 'first-line\n  second-line\nabc';
    expect(mask('second-line', secret)).toBe(stars(11));
    expect(mask('abc', secret)).toBe('abc');
  });
});

describe('whatever the pieces', () => {
  const letters = fc.constantFrom('a', 'b', 'c', '-', 'é');
  const secret = fc.string({ unit: letters, minLength: 3, maxLength: 12 });
  const text = fc.string({ unit: letters, maxLength: 120 });
  const cuts = fc.array(fc.nat(200), { maxLength: 12 });

  test('the masked bytes are those of every form, and no others', () => {
    fc.assert(
      fc.property(
        fc.array(secret, { maxLength: 4 }),
        fc.array(fc.oneof(text, secret)),
        cuts,
        (values, parts, at) => {
          const planted = parts.map(
            (part, index) => part + (values[index % Math.max(1, values.length)] ?? ''),
          );
          const bytes = Buffer.from(planted.join(''));
          expect(inPieces(values, bytes, at)).toEqual(plainly(values, bytes));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('no form of a secret is left, in any bytes', () => {
    const value = fc.string({ unit: 'binary', minLength: 6, maxLength: 40 });
    fc.assert(
      fc.property(value, fc.uint8Array({ maxLength: 60 }), fc.nat(), cuts, (hidden, noise, which, at) => {
        fc.pre(!/[\r\n]$/.test(hidden) && hidden.isWellFormed() && !hidden.includes('*'));
        const forms = formsOf(hidden);
        const form = Buffer.from(forms[which % forms.length] ?? []);
        const masked = inPieces([hidden], Buffer.concat([noise, form, noise]), at);
        expect(masked.includes(form)).toBe(false);
        expect(masked.length).toBe(noise.length * 2 + form.length);
      }),
      { numRuns: 1000 },
    );
  });
});

test('a matcher tells where needles end, and that they began before its bytes', () => {
  const matcher = new Matcher([Buffer.from('needle'), Buffer.from('needle-in'), Buffer.from('in-hay')]);
  const found: [number, number][] = [];
  const state = matcher.read(Buffer.from('a nee'), 0, 0, (start, end) => found.push([start, end]));
  expect(matcher.openBytes(state)).toBe(3);
  const next = matcher.read(Buffer.from('dle-in-hay..'), 0, state, (start, end) => found.push([start, end]));
  expect(found).toEqual([
    [-3, 3],
    [-3, 6],
    [4, 10],
  ]);
  expect(matcher.openBytes(next)).toBe(0);
});

test('hostile output costs time in proportion to its length only', () => {
  const redactor = redactorOf('a'.repeat(4000));
  /** Of the processor, and of the quickest of three rounds: whatever else the machine does only makes one slower. */
  const microsecondsFor = (size: number) => {
    const bytes = Buffer.alloc(size, 'a');
    const rounds = Array.from({ length: 3 }, () => {
      const from = process.threadCpuUsage();
      const stream = redactor.stream();
      const out = Buffer.concat([stream.push(bytes), stream.end()]);
      expect(out.every((byte) => byte === 0x2a)).toBe(true);
      const { user, system } = process.threadCpuUsage(from);
      return user + system;
    });
    return Math.min(...rounds);
  };
  microsecondsFor(1 << 18);
  // eight times as much: sixty-four times as long if it were the square
  expect(microsecondsFor(1 << 21) / microsecondsFor(1 << 18)).toBeLessThan(24);
});
