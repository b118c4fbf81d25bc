import { createHmac } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type SessionParts, systemCaller } from '../../../internal/session/parts.ts';
import { setStatus } from '../../../internal/session/set-status.ts';
import type { TriggerHost } from '../../../internal/trigger/trigger-type.ts';

import { signedHeaders } from '../../../internal/trigger/webhook/sign.ts';

import { heldUp } from '../../faults/lab/starvation.ts';

import { adminToken, startServer, type TestServer } from './start-server.ts';
import { applyHook, github, hostOf, secrets, send, sign } from './webhook-world.ts';

async function open(options: { host?: Partial<TriggerHost>; parts?: Partial<SessionParts> } = {}) {
  const server = await startServer({ parts: { triggerHost: hostOf(options.host), ...options.parts } });
  onTestFinished(() => server.close());
  return server;
}

const rows = async (server: TestServer, name = 'w') =>
  (await server.call('GET', `workflows/${name}/occurrences`)).body as {
    decision: string;
    reason: string;
    taskId: string | null;
    eventId: string | null;
    key: string;
  }[];

describe('a delivery that is signed', () => {
  test('is answered 202 when it is durable, and its task can read it', async () => {
    const server = await open();
    await applyHook(server, { parameters: { number: '$.n', from: 'headers.user-agent', none: '$.x' } });
    const answer = await send(server.url, { id: 'd1', headers: { 'user-agent': 'hooks/1' } });
    expect(answer).toMatchObject({ status: 202, body: { status: 'accepted', reason: 'event' } });
    const { taskId } = answer.body;
    const task = await server.call('GET', `tasks/${taskId}`);
    expect(task.body).toMatchObject({ status: 'PENDING', parameters: { number: 1, from: 'hooks/1' } });
    const event = await server.call('GET', `tasks/${taskId}/event`);
    expect(event.body).toMatchObject({
      ...{ id: answer.body.eventId, kind: 'push', source: 'webhook', workflow: 'w', workflowVersion: 1 },
      trigger: { name: 'webhook', type: 'webhook' },
      data: { method: 'POST', bodyKind: 'json', body: { n: 1 }, headers: { 'x-github-delivery': 'd1' } },
    });
    // what could be sent again in the sender's name stays out
    expect(JSON.stringify(event.body)).not.toContain('sha256=');
    expect(await rows(server)).toMatchObject([{ key: 'delivery:d1', decision: 'run', taskId }]);
  });

  test('and its run is told by its environment what fired it', async () => {
    const server = await open();
    await applyHook(server);
    await send(server.url, { id: 'd1' });
    const session = await server.parts.store.sessionByName('w');
    const wish = { agentId: 'a', claimId: 'c' };
    const { claim } = (await server.call('POST', `sessions/${session?.id}/claim`, wish)).body;
    expect(claim.environment).toEqual({
      KERUTA_WORKFLOW: 'w',
      KERUTA_FOCUS: '',
      KERUTA_TRIGGER: 'webhook',
      KERUTA_TRIGGER_TYPE: 'webhook',
      KERUTA_NOMINAL_AT: expect.stringMatching(/^20.*Z$/),
      KERUTA_EVENT_KIND: 'push',
    });
    const own = await server.call('GET', `tasks/${claim.task.id}/event`, undefined, {
      authorization: `Bearer ${claim.attempt.token}`,
    });
    expect(own.status).toBe(200);
  });

  test.each([
    ['by the id of its workflow', (id: string) => `/api/v1/public/webhook/workflow/${id}`],
    ['by its name', () => '/api/v1/public/webhook/workflow/w'],
    ['under /webhook', () => '/webhook/w'],
    ['where the workflow scheduler has it', (id: string) => `/api/v1/triggers/workflows/${id}/webhook`],
  ])('is found %s', async (_how, path) => {
    const server = await open();
    await applyHook(server);
    const id = (await server.call('GET', 'workflows/w')).body.id;
    expect((await send(server.url, { path: path(id) })).status).toBe(202);
  });

  test('fires every webhook of its path whose secret fits, and no other', async () => {
    const server = await open();
    const other = { ...github, secretEnv: 'NEXT_SECRET' };
    await applyHook(server, { path: 'github.push' }, { name: 'one' });
    await applyHook(server, { path: 'github.push' }, { name: 'two' });
    await applyHook(server, { path: 'github.push', auth: other }, { name: 'three' });
    const answer = await send(server.url, { path: '/webhook/github.push', id: 'd' });
    expect(answer.body.triggers.map((one: { workflow: string }) => one.workflow).sort()).toEqual([
      'one',
      'two',
    ]);
    expect([await rows(server, 'one'), await rows(server, 'three')].map((all) => all.length)).toEqual([1, 0]);
    // with a path of its own, the name of a workflow leads nowhere
    expect((await send(server.url, { path: '/webhook/one' })).status).toBe(401);
  });

  test('with a secret out of a file, which is read anew each time', async () => {
    const server = await open();
    const file = join(mkdtempSync(join(tmpdir(), 'hook-')), 'secret');
    writeFileSync(file, `${secrets.HOOK_SECRET}\n`);
    await applyHook(server, { auth: { type: 'github', secretFile: file } });
    expect((await send(server.url)).status).toBe(202);
    writeFileSync(file, 'changed');
    expect((await send(server.url)).status).toBe(401);
    expect((await send(server.url, { secret: 'changed' })).status).toBe(202);
  });

  test('with either of two secrets while one is changed', async () => {
    const server = await open();
    await applyHook(server, { auth: { type: 'github', secretEnv: ['HOOK_SECRET', 'NEXT_SECRET'] } });
    const got = [secrets.HOOK_SECRET, secrets.NEXT_SECRET, 'x'].map((secret) =>
      send(server.url, { secret: secret ?? '' }),
    );
    expect((await Promise.all(got)).map(({ status }) => status)).toEqual([202, 202, 401]);
  });

  test.each([
    ['application/x-www-form-urlencoded', 'payload=%7B%22a%22%3A1%7D', 'form', { a: 1 }],
    ['application/x-www-form-urlencoded; charset=utf-8', 'a=%C3%A9', 'form', { a: 'é' }],
    ['text/plain; charset=iso-8859-1', new Uint8Array([0xe9]), 'text', 'é'],
    ['application/json', '\uFEFF{"a":1.0}', 'json', { a: 1 }],
    ['application/octet-stream', new Uint8Array([0, 255]), 'binary', 'AP8='],
    ['image/png', new Uint8Array([1]), 'binary', 'AQ=='],
  ])('F-82: over the bytes as they came, as %s', async (type, body, bodyKind, value) => {
    const server = await open();
    await applyHook(server);
    const answer = await send(server.url, { body, headers: { 'content-type': type } });
    expect(answer.status).toBe(202);
    const event = await server.call('GET', `tasks/${answer.body.taskId}/event`);
    expect(event.body.data).toMatchObject({ bodyKind, body: value });
  });

  test('in chunks, and without a type, a body, or with another method', async () => {
    const server = await open();
    await applyHook(server, { methods: ['POST', 'GET', 'PUT'], parameters: { q: 'query.q' } });
    const chunked = new ReadableStream({
      start: (controller) => {
        for (const part of ['{"n"', ':1}']) controller.enqueue(Buffer.from(part));
        controller.close();
      },
    });
    const headers = { 'x-hub-signature-256': sign('{"n":1}') };
    const init = { method: 'PUT', headers, body: chunked, duplex: 'half' } as const;
    expect((await fetch(`${server.url}/webhook/w`, init)).status).toBe(202);
    const got = await send(server.url, { method: 'GET', body: '', path: '/webhook/w?q=a&q=b' });
    expect(got.status).toBe(202);
    const task = await server.call('GET', `tasks/${got.body.taskId}`);
    expect(task.body.parameters).toEqual({ q: 'b' });
  });
});

describe('F-80: a delivery that is not signed as its trigger asks', () => {
  const good = sign('{"n":1}');
  const wrong: readonly (readonly [string, Record<string, string>])[] = [
    ['missing', { 'x-hub-signature-256': '' }],
    [
      'SHA-1',
      { 'x-hub-signature-256': '', 'x-hub-signature': `sha1=${createHmac('sha1', 'a').digest('hex')}` },
    ],
    ['short', { 'x-hub-signature-256': good.slice(0, -1) }],
    ['long', { 'x-hub-signature-256': `${good}0` }],
    ['upper case', { 'x-hub-signature-256': `sha256=${good.slice(7).toUpperCase()}` }],
    ['no hex', { 'x-hub-signature-256': `sha256=${'z'.repeat(64)}` }],
    ['twice', { 'x-hub-signature-256': `${good}, ${good}` }],
    ['of another body', { 'x-hub-signature-256': sign('{"n":2}') }],
  ];

  test('S-41: is answered as one to an unknown address is, to the byte, and leaves no trace', async () => {
    const server = await open();
    await applyHook(server);
    const answers = [];
    for (const [, headers] of wrong) answers.push(await send(server.url, { headers }));
    answers.push(await send(server.url, { path: '/api/v1/public/webhook/workflow/nobody' }));
    answers.push(await send(server.url, { path: '/webhook/nobody' }));
    answers.push(await send(server.url, { method: 'GET', body: '' }));
    answers.push(await send(server.url, { method: 'PUT' }));
    const plain = answers.map(({ status, headers, body }) => {
      const { timestamp: _, ...meta } = body.meta;
      const { date: __, ...rest } = Object.fromEntries(headers);
      return { status, headers: rest, body: { ...body, meta } };
    });
    expect(plain[0]).toMatchObject({ status: 401, body: { error: { code: 'KERUTA_ERR_UNAUTHENTICATED' } } });
    expect(plain.slice(1)).toEqual(plain.slice(1).map(() => plain[0]));
    expect(await rows(server)).toEqual([]);
  });

  test('in a character set that nobody knows is refused with 415, when it is signed', async () => {
    const server = await open();
    await applyHook(server);
    const headers = { 'content-type': 'text/plain; charset=klingon' };
    expect((await send(server.url, { headers, secret: 'wrong' })).status).toBe(401);
    const answer = await send(server.url, { headers });
    expect(answer).toMatchObject({ status: 415, body: { error: { code: 'KERUTA_ERR_UNSUPPORTED_MEDIA' } } });
    expect(answer.body.error.message).toContain('"klingon"');
    expect(await rows(server)).toEqual([]);
  });

  test('is refused before its body is read', async () => {
    const server = await open();
    await applyHook(server);
    expect((await send(server.url, { body: '{', secret: 'wrong' })).status).toBe(401);
    expect(await send(server.url, { body: '{' })).toMatchObject({
      status: 400,
      body: { error: { code: 'KERUTA_ERR_BAD_BODY' } },
    });
  });

  test('S-40, W3: a signature of more than five minutes before or after our time is refused', async () => {
    const server = await open();
    const auth = { type: 'slack', secretEnv: 'HOOK_SECRET' };
    await applyHook(server, { auth });
    const at = async (seconds: number) => {
      const time = String(Math.floor(Date.now() / 1000) + seconds);
      const digest = createHmac('sha256', secrets.HOOK_SECRET ?? '')
        .update(`v0:${time}:{"n":1}`)
        .digest('hex');
      const headers = { 'x-slack-request-timestamp': time, 'x-slack-signature': `v0=${digest}` };
      return (await send(server.url, { headers })).status;
    };
    expect([await at(0), await at(-250), await at(250), await at(-310), await at(310)]).toEqual([
      202, 202, 202, 401, 401,
    ]);
  });

  test.each([
    { type: 'standard' },
    { type: 'stripe', header: 'x-signature' },
    { type: 'hmac', header: 'x-sign', prefix: 'v=', algorithm: 'sha512', encoding: 'base64url' },
  ] as const)(
    'W1, W3: of $type that is forged, of another body, stale or unsigned is refused',
    async (way) => {
      const server = await open();
      await applyHook(server, { auth: { ...way, secretEnv: 'HOOK_SECRET' } });
      const own = secrets.HOOK_SECRET ?? '';
      const signed = (changed: { secret?: string; body?: string; aheadMs?: number } = {}) => {
        const { secret = own, body = '{"n":1}', aheadMs = 0 } = changed;
        const request = { body: Buffer.from(body), id: 'd', now: Date.now() + aheadMs };
        return signedHeaders(way, secret, request);
      };
      const headers = signed();
      const [name = ''] = Object.keys(headers).filter((one) => one.includes('sign'));
      const flipped = (headers[name] ?? '').replace(/.(?=.$)/, (last) => (last === 'a' ? 'b' : 'a'));
      const forged = [
        signed({ secret: 'x' }),
        signed({ body: '{"n":2}' }),
        { ...headers, [name]: flipped },
        { ...headers, [name]: '' },
        // only of some formats the time is signed
        ...(way.type === 'hmac' ? [] : [signed({ aheadMs: -310_000 }), signed({ aheadMs: 310_000 })]),
      ];
      for (const one of forged)
        expect(await send(server.url, { headers: one })).toMatchObject({
          status: 401,
          body: { error: { code: 'KERUTA_ERR_UNAUTHENTICATED' } },
        });
      expect(await rows(server)).toEqual([]);
      expect((await send(server.url, { headers })).status).toBe(202);
    },
  );

  test('S-41: auth: none is for loopback servers and not for web pages, when it is applied and when it is asked', async () => {
    const server = await open();
    await applyHook(server, { auth: 'none' });
    const unsigned = { headers: { 'x-hub-signature-256': '' } };
    expect((await send(server.url, unsigned)).status).toBe(202);
    for (const of of [{ origin: 'http://evil.example' }, { 'sec-fetch-site': 'cross-site' }])
      expect((await send(server.url, { headers: { ...unsigned.headers, ...of } })).status).toBe(401);
    const outside = await open({ host: { isLoopback: false } });
    await expect(applyHook(outside, { auth: 'none' })).rejects.toThrow('loopback');
    const moved = { ...server.parts, triggerHost: hostOf({ isLoopback: false }) };
    const { deliver } = await import('../../../internal/session/deliver.ts');
    const delivery = { address: 'w', method: 'POST', headers: {}, query: {}, bytes: Buffer.from('{}') };
    await expect(deliver(moved, delivery)).rejects.toMatchObject({ code: 'KERUTA_ERR_UNAUTHENTICATED' });
  });

  test('the definition that is shown names the variable of the secret, never its text', async () => {
    const server = await open();
    await applyHook(server);
    for (const path of ['workflows', 'workflows/w', 'workflows/w/versions']) {
      const { body } = await server.call('GET', path);
      expect(JSON.stringify(body)).toContain('HOOK_SECRET');
      expect(JSON.stringify(body)).not.toContain(secrets.HOOK_SECRET);
    }
  });
});

describe('F-79, F-81: the same delivery again', () => {
  test('is answered 200 with the first task, whenever it comes', async () => {
    const server = await open();
    await applyHook(server, { ratePerMinute: 1 });
    const first = await send(server.url, { id: 'd' });
    const again = await send(server.url, { id: 'd' });
    expect(again).toMatchObject({ status: 200, body: { status: 'duplicate', taskId: first.body.taskId } });
    expect([first, again].map(({ headers }) => headers.get('x-keruta-duplicate'))).toEqual([null, 'true']);
  });

  test('1,000 copies at once make one task', async () => {
    const server = await open();
    await applyHook(server);
    const answers = await Promise.all(Array.from({ length: 1000 }, () => send(server.url, { id: 'd' })));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(999);
    expect(new Set(answers.map(({ body }) => body.taskId)).size).toBe(1);
    expect(await rows(server)).toHaveLength(1);
  }, 60_000);

  test('by its bytes, when the trigger says so', async () => {
    const server = await open();
    await applyHook(server, { dedupe: 'body' });
    const answers = [
      await send(server.url),
      await send(server.url),
      await send(server.url, { body: '{"n":2}' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([202, 200, 202]);
  });

  test('is run again when somebody replays it', async () => {
    const server = await open();
    await applyHook(server, { parameters: { n: '$.n' } });
    const first = await send(server.url, { id: 'd' });
    const replay = (event: string, key: string) =>
      server.call('POST', 'workflows/w/replay', { event }, { 'idempotency-key': key });
    const [one, same, two] = [
      await replay(first.body.eventId, 'a'),
      await replay(first.body.eventId, 'a'),
      await replay(first.body.taskId, 'b'),
    ];
    expect([one, same, two].map(({ status }) => status)).toEqual([201, 200, 201]);
    expect(one.body).toMatchObject({ reason: 'asked', source: 'webhook', eventId: first.body.eventId });
    expect(same.body.taskId).toBe(one.body.taskId);
    expect(two.body.taskId).not.toBe(one.body.taskId);
    const task = await server.call('GET', `tasks/${two.body.taskId}`);
    expect(task.body.parameters).toEqual({ n: 1 });
    expect((await server.call('GET', `tasks/${two.body.taskId}/event`)).body.data.body).toEqual({ n: 1 });
    await applyHook(server, {}, { name: 'other' });
    expect((await server.call('POST', 'workflows/other/replay', { event: first.body.eventId })).status).toBe(
      404,
    );
  });
});

describe('a delivery with ?rerun=1', () => {
  const path = '/webhook/w?rerun=1';
  const asAdmin = { authorization: `Bearer ${adminToken}` };

  test('is fired once more for an administrator, who must have it signed too', async () => {
    const server = await open();
    await applyHook(server, { parameters: { n: '$.n' } });
    const first = await send(server.url, { id: 'd' });
    const again = await send(server.url, { id: 'd', path, headers: asAdmin });
    expect(again).toMatchObject({ status: 202, body: { status: 'accepted', reason: 'asked' } });
    expect(again.body.taskId).not.toBe(first.body.taskId);
    expect((await server.call('GET', `tasks/${again.body.taskId}`)).body.parameters).toEqual({ n: 1 });
    const forged = await send(server.url, { id: 'd', path, headers: asAdmin, secret: 'x' });
    expect(forged.status).toBe(401);
    expect(await rows(server)).toHaveLength(2);
  });

  test('that never came before is fired once', async () => {
    const server = await open();
    await applyHook(server);
    expect((await send(server.url, { id: 'd', path, headers: asAdmin })).status).toBe(202);
    expect((await send(server.url, { id: 'd' })).status).toBe(200);
    expect(await rows(server)).toHaveLength(1);
  });

  test('is refused without the token of an administrator', async () => {
    const server = await open();
    await applyHook(server);
    await send(server.url, { id: 'd' });
    expect((await send(server.url, { id: 'd', path })).status).toBe(401);
    expect((await send(server.url, { id: 'd', path: '/webhook/w?rerun=0' })).status).toBe(401);
    expect(await rows(server)).toHaveLength(1);
  });
});

describe('F-83: too much', () => {
  test('a body over the limit is 413, whoever sends it', async () => {
    const server = await open();
    await applyHook(server);
    const body = 'x'.repeat(5 * 1024 * 1024 + 1);
    const headers = { 'content-type': 'text/plain' };
    const answers = await Promise.all([
      send(server.url, { body, headers }),
      send(server.url, { body, headers, path: '/webhook/nobody' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([413, 413]);
    const largest = await send(server.url, { body: body.slice(1), headers });
    expect(largest.status).toBe(202);
  }, 120_000);

  test('more than the rate is 429 with a time to come back, and can be sent again then', async () => {
    const server = await open();
    await applyHook(server, { ratePerMinute: 2 });
    const answers = [];
    for (const id of ['a', 'b', 'c', 'a']) answers.push(await send(server.url, { id }));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 429, 200]);
    expect(Number(answers[2]?.headers.get('retry-after'))).toBeGreaterThan(0);
    // those who are not senders use nothing up
    await applyHook(server, { ratePerMinute: 3 });
    for (let n = 0; n < 5; n++) await send(server.url, { secret: 'x' });
    expect((await send(server.url, { id: 'c' })).status).toBe(202);
  });

  test('a flood of 3,000 deliveries is answered 202 or 429, each within the ten seconds that GitHub waits, and the server is healthy', async () => {
    const server = await open();
    await applyHook(server, { ratePerMinute: 300 });
    const isHealthy = async () => {
      const before = performance.now();
      const { status } = await fetch(`${server.url}/healthz`);
      return { status, tookMs: performance.now() - before };
    };
    const ids = Array.from({ length: 3_000 }, (_, n) => `flood-${n}`);
    const statuses: number[] = [];
    const [held, looks] = [heldUp(), [] as Promise<{ status: number; tookMs: number }>[]];
    let worstMs = 0;
    const sendAll = async () => {
      for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
        if (ids.length % 300 === 0) looks.push(isHealthy());
        const before = performance.now();
        statuses.push((await send(server.url, { id })).status);
        worstMs = Math.max(worstMs, performance.now() - before);
      }
    };
    await Promise.all(Array.from({ length: 60 }, sendAll));
    const taken = statuses.filter((status) => status === 202).length;
    expect(statuses).toHaveLength(3_000);
    expect(statuses.filter((status) => status === 429)).toHaveLength(3_000 - taken);
    expect(taken).toBeGreaterThanOrEqual(300);
    expect(taken).toBeLessThan(3_000);
    expect(worstMs).toBeLessThan(10_000 + held());
    for (const look of [...(await Promise.all(looks)), await isHealthy()]) {
      expect(look.status).toBe(200);
      expect(look.tookMs).toBeLessThan(10_000 + held());
    }
    // what was taken is work that waits, each once
    const session = (await server.parts.store.sessionByName('w'))?.id ?? '';
    expect(await server.parts.store.countTasks({ sessionId: session, statuses: ['PENDING'] })).toBe(taken);
  }, 120_000);

  test('a full queue is 503, keeps nothing, and the delivery succeeds later', async () => {
    const server = await open({ parts: { maxPendingTasks: 1 } });
    await applyHook(server);
    const first = await send(server.url, { id: 'a' });
    const full = await send(server.url, { id: 'b' });
    expect(full).toMatchObject({ status: 503, body: { error: { code: 'KERUTA_ERR_QUEUE_FULL' } } });
    expect(Number(full.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await rows(server)).toHaveLength(1);
    await server.call('POST', `tasks/${first.body.taskId}/cancel`);
    expect((await send(server.url, { id: 'b' })).status).toBe(202);
  });
});

describe('many deliveries at once', () => {
  test('are each a task of their own, with their own event, and live readers are told of each', async () => {
    const server = await open();
    await applyHook(server, { ratePerMinute: 1000, parameters: { n: '$.n' } });
    const all = Array.from({ length: 200 }, (_, n) => n);
    const answers = await Promise.all(
      all.map((n) => send(server.url, { id: `d${n}`, body: JSON.stringify({ n }) })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const { store } = server.parts;
    for (const n of [0, 77, 199]) {
      const taskId = answers[n]?.body.taskId;
      expect(await store.task(taskId)).toMatchObject({ name: 'w', parameters: { n }, status: 'PENDING' });
      expect((await server.call('GET', `tasks/${taskId}/event`)).body.data.body).toEqual({ n });
    }
    expect(new Set(answers.map(({ body }) => body.taskId)).size).toBe(200);
    const session = (await store.sessionByName('w'))?.id ?? '';
    const told = await store.events(session, 0, 1000);
    expect(told.filter(({ type }) => type === 'status')).toHaveLength(200);
    expect((await server.call('GET', 'workflows/w/occurrences?limit=1000')).body).toHaveLength(200);
  }, 120_000);

  test('fill the queue to its brim, and what has no room keeps nothing', async () => {
    const server = await open({ parts: { maxPendingTasks: 20 } });
    await applyHook(server);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => send(server.url, { id: `d${n}` })),
    );
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect([count(202), count(503)]).toEqual([20, 30]);
    expect((await server.call('GET', 'workflows/w/occurrences?limit=1000')).body).toHaveLength(20);
  }, 120_000);

  test('of a trigger whose tasks may not overlap make one, and the others name it', async () => {
    const server = await open();
    await applyHook(server, { overlap: 'skip' });
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => send(server.url, { id: `d${n}` })),
    );
    expect(answers.filter(({ body }) => body.status === 'accepted')).toHaveLength(1);
    expect(answers.filter(({ body }) => body.reason === 'overlap_skipped')).toHaveLength(9);
  });
});

describe('what does not count', () => {
  test('is on record with its reason, and makes no task', async () => {
    const server = await open();
    await applyHook(server, { filter: "kind == 'push' and $.ref matches 'refs/heads/*'" });
    const body = (ref: string) => JSON.stringify({ ref });
    const answers = [
      await send(server.url, { id: 'a', body: body('refs/heads/main') }),
      await send(server.url, { id: 'b', body: body('refs/tags/v1') }),
      await send(server.url, { id: 'b', body: body('refs/tags/v1') }),
    ];
    expect(answers.map(({ status, body: { reason } }) => [status, reason])).toEqual([
      [202, 'event'],
      [202, 'filtered'],
      [200, 'filtered'],
    ]);
    expect(answers[1]?.body).toMatchObject({ status: 'skipped', taskId: null, eventId: null });
    await server.call('POST', 'workflows/w/pause', { trigger: 'webhook' });
    const paused = await send(server.url, { id: 'c', body: body('refs/heads/main') });
    expect(paused.body).toMatchObject({ status: 'skipped', reason: 'paused' });
    expect(paused.body.eventId).not.toBeNull();
  });

  test("GitHub's ping and Slack's challenge are answered, after the signature, and fire nothing", async () => {
    const server = await open();
    await applyHook(server);
    const ping = { 'x-github-event': 'ping' };
    expect((await send(server.url, { headers: ping, secret: 'x' })).status).toBe(401);
    expect((await send(server.url, { headers: ping })).status).toBe(200);
    await applyHook(server, { auth: { type: 'slack', secretEnv: 'HOOK_SECRET' } }, { name: 's' });
    const body = '{"type":"url_verification","challenge":"c-1"}';
    const challenge = (secret: string) => {
      const time = String(Math.floor(Date.now() / 1000));
      const digest = createHmac('sha256', secret).update(`v0:${time}:${body}`).digest('hex');
      const headers = { 'x-slack-request-timestamp': time, 'x-slack-signature': `v0=${digest}` };
      return send(server.url, { path: '/webhook/s', body, headers });
    };
    expect((await challenge('x')).status).toBe(401);
    expect(await challenge(secrets.HOOK_SECRET ?? '')).toMatchObject({
      status: 200,
      body: { challenge: 'c-1' },
    });
    expect([await rows(server, 'w'), await rows(server, 's')]).toEqual([[], []]);
  });
});

test('the state of all webhooks says where they are, and what is wrong with them', async () => {
  const server = await open();
  await applyHook(server, { path: 'p' });
  await applyHook(server, { auth: { type: 'bearer', secretEnv: 'NOT_THERE' } }, { name: 'b' });
  const { taskId } = (await send(server.url, { path: '/webhook/p' })).body;
  const { body } = await server.call('GET', 'public/webhooks/status');
  expect(body).toMatchObject([
    { workflow: 'b', addresses: ['b', expect.any(String)], auth: 'bearer', hasSecrets: false, last: null },
    {
      workflow: 'w',
      addresses: ['p', expect.any(String)],
      hasSecrets: true,
      last: { reason: 'event', taskId },
    },
  ]);
});

describe('wait', () => {
  test('answers with the result of the task', async () => {
    const server = await open();
    await applyHook(server, { wait: '30s' });
    const answer = send(server.url, { id: 'd' });
    const task = await waitForTask(server);
    const ref = { caller: systemCaller, taskId: task.id };
    await setStatus(server.parts, ref, { status: 'PROCESSING' });
    await setStatus(server.parts, ref, { status: 'COMPLETED', message: '42' });
    expect(await answer).toMatchObject({
      status: 200,
      body: { status: 'COMPLETED', result: { taskId: task.id, message: '42' } },
    });
  });

  test('answers 202 with the task when that takes longer', async () => {
    const server = await open();
    await applyHook(server, { wait: '50ms' });
    expect(await send(server.url)).toMatchObject({ status: 202, body: { taskId: expect.any(String) } });
  });
});

async function waitForTask({ parts: { store } }: TestServer) {
  for (;;) {
    const session = await store.sessionByName('w');
    const [task] = session === null ? [] : await store.tasks({ sessionId: session.id }, 'newest');
    if (task) return task;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
