import { describe, expect, test } from 'vitest';
import { askService } from '../../../../internal/runner/services/ask-service.ts';
import { TestClock } from '../../../../pkg/clock/test-clock.ts';
import { HttpConnectError } from '../../../../pkg/http/http-errors.ts';
import { type FakeReply, faults } from '../../../fake-server/fake-server.ts';
import { failureOf, startService, token } from './place.ts';

const question = { method: 'POST', path: '/things', json: { a: 1 } } as const;

async function asked(replies: readonly FakeReply[], more: Parameters<typeof startService>[0] = {}) {
  const { server, service, waits } = await startService(more);
  server.route('POST', '/things', ...replies);
  const answer = askService(service, question);
  return { answer, server, waits, service };
}

describe('a service is asked', () => {
  test('with its token, and its answer is taken', async () => {
    const { answer, server, waits } = await asked([{ json: { id: 7 } }]);
    expect(await answer).toEqual({ id: 7 });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({
      json: { a: 1 },
      headers: { authorization: `Bearer ${token}` },
    });
    expect(waits).toEqual([]);
  });

  test('without a token when there is none', async () => {
    const { answer, server } = await asked([{ status: 204 }], { token: null });
    expect(await answer).toBeNull();
    expect(server.requests[0]?.headers).not.toHaveProperty('authorization');
  });

  test.each<[string, FakeReply]>([
    ['a connection that breaks', faults.reset],
    ['an answer that is cut', faults.cut],
    ['502', { status: 502 }],
    ['503', { status: 503 }],
    ['504', { status: 504 }],
    ['429', { status: 429 }],
  ])('again, after a pause that grows, on %s', async (_, reply) => {
    const { answer, server, waits } = await asked([reply, reply, { json: 'there' }]);
    expect(await answer).toBe('there');
    expect(server.requests).toHaveLength(3);
    expect(waits).toEqual([1000, 2000]);
    const keys = server.requests.map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys).size).toBe(1);
  });

  test('again when it wants to be', async () => {
    const { answer, waits } = await asked([faults.tooMany(42), { json: 1 }]);
    expect(await answer).toBe(1);
    expect(waits).toEqual([42_000]);
  });

  test('only so often', async () => {
    const { answer, server } = await asked([{ status: 503, text: 'closed' }], { retries: 2 });
    const { code, message, details } = await failureOf(answer);
    expect(code).toBe('KERUTA_ERR_SERVICE');
    expect(message).toContain(
      `the task registry at ${server.url} failed at POST /things: it answered 503: closed (3 times)`,
    );
    expect(details).toMatchObject({ service: 'task registry', status: 503, tries: 3 });
    expect(server.requests).toHaveLength(3);
  });

  test.each<[string, FakeReply, string]>([
    ['500', { status: 500, json: { error: 'a bug' } }, 'it answered 500: a bug'],
    ['404', { status: 404 }, 'it answered 404;'],
    ['a refusal', { status: 403, json: { message: 'not you' } }, 'it answered 403: not you'],
    ['a page for people', faults.html, 'it sent "text/html" instead of JSON'],
    [
      'an error as a page',
      { status: 400, ...{ headers: { 'content-type': 'text/html' } }, text: '<p>' },
      'it answered 400;',
    ],
    ['half of an answer', faults.halfJson, 'it sent "application/json" instead of JSON'],
    ['a very long pause', faults.tooMany(86_400), 'it answered 429'],
  ])('once, when it answers %s', async (_, reply, words) => {
    const { answer, server, waits } = await asked([reply]);
    expect((await failureOf(answer)).message).toContain(words);
    expect(server.requests).toHaveLength(1);
    expect(waits).toEqual([]);
  });
});

describe('nothing is', () => {
  test('followed to another place, where the token does not belong', async () => {
    const other = await startService();
    other.server.route('POST', '/things', { json: 'stolen' });
    const location = `${other.server.url}/things?secret=1`;
    const { answer } = await asked([{ status: 307, headers: { location } }]);
    const { message } = await failureOf(answer);
    expect(message).toContain('it answered 307: it points elsewhere, which is not followed');
    expect(message).not.toContain('secret');
    expect(other.server.requests).toEqual([]);
  });

  test('taken that has no end', async () => {
    let sent = 0;
    const { answer, server } = await asked([
      {
        stream: async (send, closed) => {
          let isClosed = false;
          void closed.then(() => {
            isClosed = true;
          });
          while (!isClosed) {
            send('x'.repeat(65_536));
            sent += 65_536;
            await new Promise((done) => setImmediate(done));
          }
        },
      },
    ]);
    expect((await failureOf(answer)).message).toContain(
      'its answer has more than the 1048576 bytes that are taken',
    );
    expect(server.requests).toHaveLength(1);
    expect(sent).toBeGreaterThan(1_000_000);
  });

  test('said of the token that an answer repeats', async () => {
    const { answer } = await asked([{ status: 400, text: `who is ${token}?` }]);
    const { message } = await failureOf(answer);
    expect(message).toContain('who is ****?');
    expect(message).not.toContain(token);
  });
});

describe('a service that is slow', () => {
  test('in beginning its answer is asked again, and given up', async () => {
    const { server, service, waits } = await startService({ retries: 1 });
    server.route('POST', '/things', faults.blackHole);
    const { message } = await failureOf(askService(service, { ...question, waitMs: 50 }));
    expect(message).toMatch(/no answer from \S+\/things within the time limit \(2 times\)/);
    expect(waits).toEqual([1000]);
  });

  test('in ending its answer is given up', async () => {
    const clock = new TestClock();
    const half: FakeReply = {
      stream: (send, closed) => {
        send('{"a');
        return closed;
      },
    };
    const { answer, server } = await asked([half], { clock, retries: 0 });
    const failed = failureOf(answer);
    await expect.poll(() => server.requests.length).toBe(1);
    const ticking = setInterval(() => clock.advance(30_000), 20);
    expect((await failed).message).toContain('its answer did not end in time');
    clearInterval(ticking);
  });

  test('is left by who is stopped', async () => {
    const { server, service } = await startService();
    server.route('POST', '/things', faults.blackHole);
    const stop = new AbortController();
    const answer = askService(service, { ...question, signal: stop.signal });
    await expect.poll(() => server.requests.length).toBe(1);
    stop.abort(new Error('stopped'));
    await expect(answer).rejects.toThrow('stopped');
  });
});

test('a service that is not there is named', async () => {
  const { server, service, waits } = await startService();
  await server.close();
  const { message, cause } = await failureOf(askService(service, question));
  expect(cause).toBeInstanceOf(HttpConnectError);
  expect(message).toMatch(
    /^the task registry at http:\S+ failed at POST \/things: no connection to \S+: ECONNREFUSED \(4 times\)/,
  );
  expect(waits).toEqual([1000, 2000, 4000]);
});
