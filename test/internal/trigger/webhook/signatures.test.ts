import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isSigned, type Signature } from '../../../../internal/trigger/webhook/signatures.ts';
import { isVerified } from '../../../../internal/trigger/webhook/verify.ts';
import { makeRandomOf } from '../cron/random-of.ts';

/** A delivery of one format, as its sender documents it. */
interface Vector {
  readonly name: string;
  readonly signature: Signature;
  readonly secret: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** the header that holds the signature */
  readonly signed: string;
  /** seconds */
  readonly at: number;
  readonly isTimed: boolean;
}

const slackBody =
  'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
const hex = { prefix: '', algorithm: 'sha256', encoding: 'hex' } as const;

const vectors: readonly Vector[] = [
  {
    name: 'github',
    signature: { type: 'github' },
    secret: "It's a Secret to Everybody",
    body: 'Hello, World!',
    headers: {
      'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    },
    signed: 'x-hub-signature-256',
    at: 0,
    isTimed: false,
  },
  {
    name: 'slack v0',
    signature: { type: 'slack' },
    secret: '8f742231b10e8888abcd99yyyzzz85a5',
    body: slackBody,
    headers: {
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    },
    signed: 'x-slack-signature',
    at: 1531420618,
    isTimed: true,
  },
  {
    name: 'standard webhooks',
    signature: { type: 'standard' },
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    body: '{"test": 2432232314}',
    headers: {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
    signed: 'webhook-signature',
    at: 1614265330,
    isTimed: true,
  },
  {
    name: 'stripe-like',
    signature: { type: 'stripe', header: 'x-signature' },
    secret: 'whsec_keruta_test',
    body: '{"id":"evt_1","object":"event"}',
    headers: {
      'x-signature': 't=1700000000,v1=b0214e0880502f594f69957e68f4e410288fcb56d5880553ac940f9cf999847b',
    },
    signed: 'x-signature',
    at: 1700000000,
    isTimed: true,
  },
  {
    name: 'generic hmac over an empty body',
    signature: { type: 'hmac', header: 'x-sum', ...hex },
    secret: 'keruta-secret',
    body: '',
    headers: { 'x-sum': '49decc507fc45dd8f8a7537d5c7dac5ccb24dd90521c4caf4d5bffe0a6ca9f3d' },
    signed: 'x-sum',
    at: 0,
    isTimed: false,
  },
];

function check(vector: Vector, change: Partial<Vector> & { readonly now?: number } = {}): boolean {
  const { signature, secret, body, headers, at } = { ...vector, ...change };
  const request = { headers, body: Buffer.from(body), now: change.now ?? at * 1000 };
  return isSigned(signature, request, [secret]);
}

const cases = vectors.map((vector) => [vector.name, vector] as const);

describe.each(cases)('S-39: %s', (_name, vector) => {
  const given = vector.headers[vector.signed] ?? '';
  const withSignature = (text: string) => ({ headers: { ...vector.headers, [vector.signed]: text } });

  test('takes what its sender documents', () => {
    expect(check(vector)).toBe(true);
  });

  test('takes either of two secrets that are valid, and no third', () => {
    const request = { headers: vector.headers, body: Buffer.from(vector.body), now: vector.at * 1000 };
    expect(isSigned(vector.signature, request, ['other', vector.secret])).toBe(true);
    expect(isSigned(vector.signature, request, [vector.secret, 'other'])).toBe(true);
    expect(isSigned(vector.signature, request, ['other'])).toBe(false);
    expect(isSigned(vector.signature, request, [])).toBe(false);
  });

  test('refuses any one byte that is another, in signature and body, and never throws', () => {
    // a sender's own version and field names may be passed over, so only what belongs to the digest is turned
    const from = given.lastIndexOf(vector.name === 'standard webhooks' ? ',' : '=', given.length - 2) + 1;
    for (let at = from; at < given.length; at++) {
      for (const other of ['0', 'f', 'G', '=', ' ', '\u00e9']) {
        if (given[at] === other) continue;
        const text = given.slice(0, at) + other + given.slice(at + 1);
        expect([text, check(vector, withSignature(text))]).toEqual([text, false]);
      }
    }
    const bytes = Buffer.from(vector.body);
    for (let at = 0; at < bytes.length; at++) {
      const turned = Buffer.from(bytes);
      turned[at] = (turned[at] ?? 0) ^ 1;
      const request = { headers: vector.headers, body: turned, now: vector.at * 1000 };
      expect(isSigned(vector.signature, request, [vector.secret])).toBe(false);
    }
  });

  test('refuses a signature that is missing, short, long, of another scheme, in upper case, or there twice', () => {
    const { [vector.signed]: _left, ...without } = vector.headers;
    expect(check(vector, { headers: without })).toBe(false);
    const scheme = given.replace(/sha256=|v0=|v1[,=]/, 'sha1=');
    const wrong = ['', ' ', given.slice(0, -1), `${given}0`, given.toUpperCase(), `${given}, ${given}`];
    // two signatures are what a sender sends while its secret changes
    const allowed = vector.name === 'stripe-like' ? [`${given}, ${given}`] : [];
    for (const text of [...wrong, ...(scheme === given ? [] : [scheme]), 'zz'.repeat(40)]) {
      if (allowed.includes(text)) continue;
      expect([text, check(vector, withSignature(text))]).toEqual([text, false]);
    }
  });

  test.runIf(vector.isTimed)('takes times of 300 s before and after ours, and refuses 301', () => {
    for (const [seconds, isTaken] of [
      [-300, true],
      [300, true],
      [-301, false],
      [301, false],
    ] as const) {
      expect([seconds, check(vector, { now: (vector.at + seconds) * 1000 })]).toEqual([seconds, isTaken]);
    }
  });
});

describe('S-39: signatures', () => {
  test('are over the bytes as they came, not over what was parsed and written again', () => {
    const signature: Signature = { type: 'hmac', header: 'x-sum', ...hex };
    const body = '{"a":1.0,"b":"é"}';
    const sign = (text: string) => createHmac('sha256', 'keruta-secret').update(text).digest('hex');
    const headers = { 'x-sum': sign(body) };
    expect(headers['x-sum']).toMatch(/^1b4a6d5d.*1955a1a$/);
    const rewritten = JSON.stringify(JSON.parse(body));
    expect(sign(rewritten)).toMatch(/^63145196.*6e23575$/);
    const check = (text: string) =>
      isSigned(signature, { headers, body: Buffer.from(text), now: 0 }, ['keruta-secret']);
    expect([check(body), check(rewritten)]).toEqual([true, false]);
  });

  test.each(['hex', 'base64', 'base64url'] as const)('generic: %s, with sha512 and a prefix', (encoding) => {
    const signature: Signature = {
      type: 'hmac',
      header: 'x-sum',
      prefix: 'sig:',
      algorithm: 'sha512',
      encoding,
    };
    const digest = createHmac('sha512', 's').update('b').digest(encoding);
    const check = (text: string) =>
      isSigned(signature, { headers: { 'x-sum': text }, body: Buffer.from('b'), now: 0 }, ['s']);
    expect(check(`sig:${digest}`)).toBe(true);
    expect([digest, `SIG:${digest}`, `sig:${digest} `].map(check)).toEqual([false, false, false]);
  });

  test('two of one sender that changes its secret: one that fits is enough', () => {
    const [, , standard, stripe] = vectors;
    if (!standard || !stripe) throw new Error('no vectors');
    const old = 'v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
    const both = `${old} v1a,x ${standard.headers['webhook-signature']}`;
    expect(check(standard, { headers: { ...standard.headers, 'webhook-signature': both } })).toBe(true);
    const [time = '', good = ''] = (stripe.headers['x-signature'] ?? '').split(',');
    const rotated = `${time},v1=${'0'.repeat(64)},${good},v0=x`;
    expect(check(stripe, { headers: { 'x-signature': rotated } })).toBe(true);
    // of two times nobody knows which one was signed
    expect(check(stripe, { headers: { 'x-signature': `t=1,${time},${good}` } })).toBe(false);
  });
});

test('whatever comes as headers, nobody is let in and nothing is thrown', () => {
  const next = makeRandomOf(4711);
  const signs = [
    'v1,',
    'v1=',
    't=',
    'sha256=',
    'v0=',
    ',',
    ' ',
    '=',
    '0',
    'f',
    '9',
    'Z',
    '\u00e9',
    '\u{1F600}',
    '1700000000',
  ];
  const text = () => Array.from({ length: next(40) }, () => next(signs)).join('');
  for (let round = 0; round < 2000; round++) {
    for (const { signature, headers, secret } of vectors) {
      const odd = Object.fromEntries(Object.keys(headers).map((name) => [name, text()]));
      const request = { headers: odd, body: Buffer.from(text()), now: 1_700_000_000_000 };
      expect([round, odd, isSigned(signature, request, [secret])]).toEqual([round, odd, false]);
    }
  }
});

describe('secrets that are sent as they are', () => {
  const request = (headers: Record<string, string>) => ({ headers, body: Buffer.alloc(0), now: 0 });
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

  test('bearer: in Authorization, or in a header of its own', () => {
    const own = (header: string, headers: Record<string, string>) =>
      isVerified({ type: 'bearer', header }, request(headers), ['abc', 'def']);
    expect(own('authorization', { authorization: 'bearer def' })).toBe(true);
    expect(own('x-token', { 'x-token': 'abc' })).toBe(true);
    expect(own('authorization', { authorization: 'abc' })).toBe(false);
    expect(own('authorization', { authorization: 'Bearer abcd' })).toBe(false);
    expect(own('x-token', {})).toBe(false);
  });

  test('basic: user and password', () => {
    const own = (headers: Record<string, string>) =>
      isVerified({ type: 'basic', user: 'u' }, request(headers), ['p:q']);
    expect(own(basic('u:p:q'))).toBe(true);
    expect([basic('u:p'), basic('v:p:q'), basic(''), { authorization: 'Basic !' }, {}].map(own)).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  test('a secret that is empty lets nobody in', () => {
    expect(isVerified({ type: 'bearer', header: 'x' }, request({ x: '' }), [''])).toBe(false);
  });
});
