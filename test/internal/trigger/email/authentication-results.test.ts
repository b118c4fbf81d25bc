import { describe, expect, test } from 'vitest';
import { readAuthenticationResults } from '../../../../internal/trigger/email/authentication-results.ts';

const read = (value: string) => {
  const all = readAuthenticationResults(value);
  return (
    all && {
      id: all.authservId,
      results: all.results.map((one) => [one.method, one.result, Object.fromEntries(one.properties)]),
    }
  );
};

describe('Authentication-Results', () => {
  test('of Gmail is read with its comments left out', () => {
    const value =
      'mx.google.com; dkim=pass header.i=@example.com header.s=s1 header.b=abc==; ' +
      'spf=pass (google.com: domain of ann@example.com designates 1.2.3.4 as permitted sender) smtp.mailfrom=ann@example.com; ' +
      'dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=example.com';
    expect(read(value)).toEqual({
      id: 'mx.google.com',
      results: [
        ['dkim', 'pass', { 'header.i': '@example.com', 'header.s': 's1', 'header.b': 'abc==' }],
        ['spf', 'pass', { 'smtp.mailfrom': 'ann@example.com' }],
        ['dmarc', 'pass', { 'header.from': 'example.com' }],
      ],
    });
  });

  // of RFC 8601, appendix B
  test.each([
    ['example.org 1; none', 'example.org', []],
    [
      'example.com; spf=pass smtp.mailfrom=example.net',
      'example.com',
      [['spf', 'pass', { 'smtp.mailfrom': 'example.net' }]],
    ],
    [
      "foo.example.net (foobar) 1 (baz); dkim (Because I like it) / 1 (One yay) = (wait for it) fail policy (A dot can go here) . (like that) expired (this surprised me) = (as I wasn't expecting it) 1362471462",
      'foo.example.net',
      expect.anything(),
    ],
  ])('%s', (value, id, results) => {
    expect(read(value)).toEqual({ id, results });
  });

  test.each([
    ['white space around the sign', 'a.b; dmarc = pass  header.from =example.com'],
    ['a name in quotes', '"a.b"; dmarc=pass header.from="example.com"'],
    ['capital letters', 'A.B; DMARC=Pass Header.From=example.com'],
    ['a version of the method', 'a.b 1; dmarc/1=pass header.from=example.com'],
    [
      'a comment with brackets and a semicolon',
      'a.b (x (y; dmarc=fail) \\) z); dmarc=pass header.from=example.com',
    ],
  ])('is read with %s', (_what, value) => {
    expect(read(value)).toEqual({
      id: 'a.b',
      results: [['dmarc', 'pass', { 'header.from': 'example.com' }]],
    });
  });

  test.each([
    ['nothing', ''],
    ['another version', 'a.b 2; dmarc=pass header.from=example.com'],
    ['no name in front', '; dmarc=pass header.from=example.com'],
    ['two names in front', 'a.b c.d; dmarc=pass'],
    ['20,000 characters', `a.b; ${'x'.repeat(20_000)}`],
  ])('with %s is not read', (_what, value) => {
    expect(read(value)).toBeNull();
  });

  test('whose comment never ends says nothing', () => {
    expect(read('a.b; (dmarc=pass header.from=example.com')?.results).toEqual([]);
  });
});
