import { describe, expect, test } from 'vitest';
import { readWorkflow } from '../../../../internal/trigger/read-workflow.ts';
import type { TriggerHost } from '../../../../internal/trigger/trigger-type.ts';
import { bodyWindowMs, deliveryKey } from '../../../../internal/trigger/webhook/delivery-key.ts';
import { readBody } from '../../../../internal/trigger/webhook/read-body.ts';
import { readPath } from '../../../../internal/trigger/webhook/value-path.ts';

const long = 'x'.repeat(32);
const host = (more: Partial<TriggerHost> = {}): TriggerHost => ({
  isLoopback: true,
  secret: (ref) => (ref.kind === 'variable' && ref.name === 'HOOK' ? long : null),
  ...more,
});
const read = (trigger: object, on = host()) =>
  readWorkflow(
    { name: 'w', run: 'true', triggers: [{ type: 'webhook', ...trigger }] },
    { zone: 'UTC', host: on },
  );
const github = { type: 'github', secretEnv: 'HOOK' };

describe('the definition of a webhook', () => {
  test('names its secret as a variable or a file, one or two of them', () => {
    for (const auth of [
      github,
      { type: 'github', secret: '$' + '{HOOK}' },
      { type: 'hmac', header: 'X-Sum', secretEnv: ['HOOK', 'HOOK'] },
      { type: 'basic', user: 'u', secretEnv: 'HOOK' },
      { type: 'bearer', secretEnv: 'HOOK' },
    ])
      expect(read({ auth }).warnings).toEqual([]);
    expect(() => read({ auth: { type: 'github', secretEnv: ['A', 'B', 'C'] } })).toThrow('triggers[0].auth');
    expect(() => read({ auth: { ...github, secretFile: ['/a', '/b'] } })).toThrow('at most two secrets');
  });

  test('that holds the secret itself is refused, and the refusal does not repeat it', () => {
    const auth = { type: 'github', secret: 'hunter2hunter2' };
    expect(() => read({ auth })).toThrow(expect.objectContaining({ code: 'KERUTA_ERR_WORKFLOW' }));
    try {
      read({ auth });
    } catch (error) {
      expect(
        JSON.stringify([(error as Error).message, (error as { details: unknown }).details]),
      ).not.toContain('hunter2');
    }
  });

  test('without auth, or without a secret, is refused; none is for loopback servers and warns', () => {
    expect(() => read({})).toThrow('triggers[0].auth');
    expect(() => read({ auth: { type: 'slack' } })).toThrow('expected a secret');
    expect(() => read({ auth: 'none' }, host({ isLoopback: false }))).toThrow('loopback');
    expect(read({ auth: 'none' }).warnings[0]?.message).toContain('whoever reaches the server');
  });

  test('warns of secrets that are short or not there', () => {
    expect(read({ auth: github }, host({ secret: () => 'short' })).warnings[0]?.message).toContain(
      'has 5 bytes',
    );
    expect(read({ auth: github }, host({ secret: () => null })).warnings[0]?.message).toContain(
      'cannot be read',
    );
  });

  test.each([
    [{ auth: { ...github, type: 'hmac', header: 'x', algorithm: 'sha1' } }, 'SHA-1'],
    [{ auth: github, filter: '$.a =' }, 'filter: '],
    [{ auth: github, parameters: { a: 'x' } }, 'parameters.a: expected a path'],
    [{ auth: github, dedupe: { path: '$..' } }, 'dedupe.path: expected a path'],
    [{ auth: github, wait: '2h' }, 'wait: expected'],
    [{ auth: github, methods: ['DELETE'] }, 'methods'],
    [{ auth: github, path: '../x' }, 'path'],
    [{ auth: github, colour: 'red' }, 'colour'],
  ])('%j is refused: %s', (trigger, message) => {
    expect(() => read(trigger)).toThrow(message);
  });
});

describe('the key of a delivery', () => {
  const values = (more: object) => ({
    body: null,
    headers: {},
    query: {},
    method: 'POST',
    kind: '',
    ...more,
  });
  const bytes = Buffer.from('b');
  const keyOf = (webhook: object, more: object, now = 0) =>
    deliveryKey({ dedupe: null, verification: { type: 'none' }, ...webhook } as never, {
      values: values(more),
      bytes,
      now,
    });

  test.each([
    [{ verification: { type: 'github' } }, { headers: { 'x-github-delivery': 'g' } }, 'delivery:g'],
    [{ verification: { type: 'standard' } }, { headers: { 'webhook-id': 's' } }, 'delivery:s'],
    [{ verification: { type: 'slack' } }, { body: { event_id: 'E1' } }, 'delivery:E1'],
    [{ verification: { type: 'stripe' } }, { body: { id: 'evt' } }, 'delivery:evt'],
    [{}, { headers: { 'idempotency-key': 'k' } }, 'delivery:k'],
    [{ dedupe: { header: 'x-id' } }, { headers: { 'x-id': 'h' } }, 'delivery:h'],
    [{ dedupe: { path: readPath('$.build.number') } }, { body: { build: { number: 7 } } }, 'delivery:7'],
    [{ dedupe: { path: readPath('$.no') } }, { headers: { 'idempotency-key': 'k' } }, null],
    [{}, {}, null],
  ])('%j of %j is %s', (webhook, more, key) => {
    expect(keyOf(webhook, more).key).toBe(key);
  });

  test('that is long or odd is known by its digest', () => {
    for (const id of ['x'.repeat(300), 'a\u0000b', 'é'])
      expect(keyOf({ dedupe: { path: readPath('$.id') } }, { body: { id } }).key).toMatch(
        /^delivery:sha256-[0-9a-f]{64}$/,
      );
  });

  test('of a body is the same within ten minutes, and names the one before', () => {
    const [first, later] = [keyOf({ dedupe: 'body' }, {}, 5), keyOf({ dedupe: 'body' }, {}, bodyWindowMs)];
    expect(keyOf({ dedupe: 'body' }, {}, bodyWindowMs - 1)).toEqual(first);
    expect(later.before).toBe(first.key);
  });
});

describe('the body of a delivery', () => {
  const of = (text: string | Uint8Array, type?: string) => readBody(Buffer.from(text as string), type);

  test.each([
    ['{"a":1}', 'application/json', 'json', { a: 1 }],
    ['\uFEFF{"a":1}', 'application/json; charset=utf-8', 'json', { a: 1 }],
    ['[1]', 'application/vnd.github+json', 'json', [1]],
    ['a=1&b=2&b=3', 'application/x-www-form-urlencoded', 'form', { a: '1', b: ['2', '3'] }],
    ['payload=%7B%22a%22%3A1%7D', 'application/x-www-form-urlencoded', 'form', { a: 1 }],
    ['hi', 'text/plain', 'text', 'hi'],
    ['hi', 'application/octet-stream', 'binary', 'aGk='],
    ['{"a":1}', undefined, 'json', { a: 1 }],
    ['hi', undefined, 'text', 'hi'],
    ['', 'application/json', 'empty', null],
  ])('%j as %s is %s', (text, type, kind, value) => {
    expect(of(text, type)).toEqual({ kind, value });
  });

  test('of bytes that are no text and have no type is base64; of another character set is read as that', () => {
    expect(of(new Uint8Array([0xff, 0xfe, 0xfd]))).toEqual({ kind: 'binary', value: '//79' });
    expect(of(new Uint8Array([0xe9]), 'text/plain; charset=iso-8859-1')).toEqual({
      kind: 'text',
      value: 'é',
    });
  });

  test.each([
    ['{', 'application/json', 'KERUTA_ERR_BAD_BODY'],
    [new Uint8Array([0xff]), 'text/plain', 'KERUTA_ERR_BAD_BODY'],
    ['x', 'text/plain; charset=klingon', 'KERUTA_ERR_UNSUPPORTED_MEDIA'],
    ['['.repeat(200) + ']'.repeat(200), 'application/json', 'KERUTA_ERR_BAD_BODY'],
    ['['.repeat(1_000_000) + ']'.repeat(1_000_000), 'application/json', 'KERUTA_ERR_BAD_BODY'],
    ['a=1&'.repeat(1001), 'application/x-www-form-urlencoded', 'KERUTA_ERR_BAD_BODY'],
  ])('that is not what its type says is refused', (text, type, code) => {
    expect(() => of(text, type)).toThrow(expect.objectContaining({ code }));
  });
});
