import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Route, route } from '../../../internal/server/route.ts';
import type { LogFields } from '../../../pkg/log/log.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { heldUp } from '../../faults/lab/starvation.ts';
import { startServer, type TestServer } from './start-server.ts';

const logged: { message: string; fields: LogFields | undefined }[] = [];
const logger = {
  ...silentLog,
  error: (message: string, fields?: LogFields) => {
    logged.push({ message, fields });
  },
};

let streamEnded: unknown = null;
const common = { access: ['admin'], summary: '', tag: 'test' } as const;
const routes: readonly Route[] = [
  route({
    ...common,
    method: 'POST',
    path: '/echo',
    body: z.object({ word: z.string().max(5).optional(), count: z.number().optional() }).loose(),
    maxBodyBytes: 2_000,
    handle: async ({ body }) => ({ status: 200, body: { got: body } }),
  }),
  route({
    ...common,
    method: 'GET',
    path: '/things/:id',
    query: z.object({ size: z.coerce.number().optional() }),
    handle: async ({ params, query }) => ({ status: 200, body: { params, query } }),
  }),
  route({ ...common, method: 'PUT', path: '/things/:id', handle: async () => ({ status: 204 }) }),
  route({
    ...common,
    method: 'GET',
    path: '/bug',
    handle: async () => {
      throw new Error('the password is hunter2');
    },
  }),
  route({
    ...common,
    method: 'POST',
    path: '/stream',
    bodyKind: 'stream',
    maxBodyBytes: 1_000,
    handle: async ({ stream, headers }) => {
      let bytes = 0;
      for await (const chunk of stream) bytes += (chunk as Buffer).length;
      return { status: 200, body: { bytes, type: headers['content-type'] ?? null } };
    },
  }),
  route({
    ...common,
    method: 'POST',
    path: '/parts',
    bodyKind: 'multipart',
    body: z.object({ path: z.string() }),
    handle: async (request) => {
      if ((request.body as { path?: string } | undefined)?.path) return { status: 200, body: request.body };
      const seen: string[] = [];
      for await (const part of request.parts({ maxFileBytes: 10 })) {
        if (part.kind === 'field') seen.push(`${part.name}=${part.value}`);
        else {
          let bytes = 0;
          for await (const chunk of part.stream) bytes += (chunk as Buffer).length;
          seen.push(`${part.name}:${part.filename}:${bytes}`);
        }
      }
      return { status: 200, body: seen };
    },
  }),
  route({
    ...common,
    method: 'GET',
    path: '/wait',
    handle: ({ signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          streamEnded = signal.reason;
          resolve({ status: 200, body: 'ended' });
        });
      }),
  }),
  route({
    ...common,
    method: 'GET',
    path: '/lines',
    handle: async () => ({
      status: 200,
      headers: { 'content-type': 'text/plain' },
      body: (async function* () {
        yield 'one\n';
        yield Buffer.from('two\n');
      })(),
    }),
  }),
];

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ routes, logger, limits: { drainMs: 2_000, bodyTimeoutMs: 150 } });
});
afterAll(() => server.close());

describe('bodies', () => {
  test('malformed JSON is a 400 that says so', async () => {
    const answer = await server.call('POST', '/echo', '{"word":');
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { code: 'KERUTA_ERR_BAD_BODY', status: 400 } },
    });
    expect(answer.body.error.message).toContain('not JSON');
  });

  test('bytes that are not UTF-8 are refused', async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = await server.call('POST', '/echo', new Uint8Array([0x22, 0xff, 0x22]), headers);
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'KERUTA_ERR_BAD_BODY' } } });
  });

  test('an empty JSON body counts as an empty object', async () => {
    const answer = await server.call('POST', '/echo', '');
    expect(answer).toMatchObject({ status: 200, body: { got: {} } });
    expect((await server.call('POST', '/echo')).status).toBe(200);
  });

  test('a content type on a GET without body is passed over', async () => {
    const answer = await server.call('GET', '/things/1', undefined, { 'content-type': 'application/json' });
    expect(answer).toMatchObject({ status: 200, body: { params: { id: '1' } } });
  });

  test('another content type is a 415', async () => {
    const answer = await server.call('POST', '/echo', 'word=a', { 'content-type': 'text/plain' });
    expect(answer).toMatchObject({ status: 415, body: { error: { code: 'KERUTA_ERR_UNSUPPORTED_MEDIA' } } });
  });

  test('a body over the limit is a 413, one at the limit is taken', async () => {
    const bodyOf = (bytes: number) => JSON.stringify({ pad: 'x'.repeat(bytes - '{"pad":""}'.length) });
    expect((await server.call('POST', '/echo', bodyOf(2_000))).status).toBe(200);
    const answer = await server.call('POST', '/echo', bodyOf(2_001));
    expect(answer).toMatchObject({ status: 413, body: { error: { code: 'KERUTA_ERR_BODY_TOO_LARGE' } } });
  });

  test('a body that does not fit the shape names field, expectation and what came', async () => {
    const answer = await server.call('POST', '/echo', { word: 'too long', count: '7' });
    expect(answer.status).toBe(400);
    expect(answer.body.error.message).toContain('word: expected at most 5 characters, got "too long"');
    expect(answer.body.error.message).toContain('count: expected number, got "7"');
    expect(answer.body.error.details.faults).toHaveLength(2);
  });

  test('a streamed body is handed over unread, whatever its type', async () => {
    const answer = await server.call('POST', '/stream', new Uint8Array(1_000), {
      'content-type': 'image/png',
    });
    expect(answer).toMatchObject({ status: 200, body: { bytes: 1_000, type: 'image/png' } });
    expect((await server.call('POST', '/stream', new Uint8Array(1_001))).status).toBe(413);
  });

  test('a streamed body of unknown length is counted', async () => {
    const chunks = async function* () {
      for (let index = 0; index < 20; index++) yield new Uint8Array(100);
    };
    const response = await fetch(`${server.url}/stream`, {
      method: 'POST',
      headers: { authorization: 'Bearer krt_adm_test-token-of-the-administrator' },
      body: ReadableStream.from(chunks()),
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(413);
  });

  test('a multipart body comes part by part; a path in a file name is cut off', async () => {
    const form = new FormData();
    form.append('file', new Blob(['12345']), '../../x.txt');
    form.append('description', 'memo');
    const answer = await server.call('POST', '/parts', form);
    expect(answer).toMatchObject({ status: 200, body: ['file:x.txt:5', 'description=memo'] });
  });

  test('a file over the limit of the route is a 413', async () => {
    const form = new FormData();
    form.append('file', new Blob(['12345678901']), 'x');
    expect((await server.call('POST', '/parts', form)).status).toBe(413);
  });

  test('a multipart route takes JSON too, and nothing else', async () => {
    expect(await server.call('POST', '/parts', { path: 'a' })).toMatchObject({
      status: 200,
      body: { path: 'a' },
    });
    expect((await server.call('POST', '/parts', 'x', { 'content-type': 'text/csv' })).status).toBe(415);
  });

  test('a client that does not get on with its JSON body is cut off', async () => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    const token = 'krt_adm_test-token-of-the-administrator';
    socket.write(
      `POST /echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{`,
    );
    socket.resume();
    await once(socket, 'close');
    expect(socket.destroyed).toBe(true);
  });
});

describe('addresses', () => {
  test('an unknown address is a 404, a known one with another method a 405 that tells the methods', async () => {
    expect(await server.call('GET', '/nowhere')).toMatchObject({
      status: 404,
      body: { error: { code: 'KERUTA_ERR_NOT_FOUND', status: 404 } },
    });
    const answer = await server.call('DELETE', '/things/1?x=1');
    expect(answer).toMatchObject({ status: 405, body: { error: { code: 'KERUTA_ERR_METHOD' } } });
    expect(answer.headers.get('allow')).toBe('GET, PUT');
  });

  test('slashes too many are one slash, but not in the query', async () => {
    const answer = await server.call('GET', '//things//a%2Fb?size=3&x=//');
    expect(answer).toMatchObject({ status: 200, body: { params: { id: 'a/b' }, query: { size: 3 } } });
  });

  test('a very long id is looked up like any other', async () => {
    expect((await server.call('GET', `/things/${'x'.repeat(300)}`)).status).toBe(200);
  });

  test('a damaged percent-encoding is the fault of the client', async () => {
    const answer = await server.call('GET', '/things/%E0%A4%A');
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'KERUTA_ERR_BAD_VALUE' } } });
  });
});

describe('answers', () => {
  test('a bug is a 500 that gives nothing away and is logged', async () => {
    const answer = await server.call('GET', '/bug');
    expect(answer).toMatchObject({ status: 500, body: { error: { code: 'INTERNAL', status: 500 } } });
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
    expect(logged.at(-1)?.fields?.error).toBeInstanceOf(Error);
    expect(answer.body.meta).toMatchObject({
      version: '0.0.0-test',
      timestamp: expect.stringContaining('T'),
    });
  });

  test('an iterable is streamed', async () => {
    expect(await server.call('GET', '/lines')).toMatchObject({ status: 200, body: 'one\ntwo\n' });
  });

  test('every answer forbids guessing its type', async () => {
    expect((await server.call('GET', '/nowhere')).headers.get('x-content-type-options')).toBe('nosniff');
  });
});

describe('life', () => {
  test('a client that goes away aborts the signal of its request', async () => {
    streamEnded = null;
    const controller = new AbortController();
    const request = fetch(`${server.url}/wait`, {
      headers: { authorization: 'Bearer krt_adm_test-token-of-the-administrator' },
      signal: controller.signal,
    }).catch(() => 'gone');
    // the request has arrived when another one, sent after it, is answered
    await server.call('GET', '/things/1');
    controller.abort();
    expect(await request).toBe('gone');
    await expect.poll(() => streamEnded).toBeInstanceOf(Error);
  });

  test('a port that is taken is said so', async () => {
    const { parts } = server;
    const { buildServer } = await import('../../../internal/server/app.ts');
    const second = buildServer({ parts, noAuth: true, version: '0', logger: silentLog, routes: [] });
    const port = Number(new URL(server.url).port);
    await expect(second.listen({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'KERUTA_ERR_PORT_TAKEN',
      message: expect.stringContaining(String(port)),
    });
    await second.close();
  });

  test('stopping ends long polls at once, and twice is once', async () => {
    const other = await startServer({ routes, limits: { drainMs: 600_000 } });
    const poll = other.call('GET', '/wait');
    await other.call('GET', '/things/1');
    const [began, held] = [performance.now(), heldUp()];
    // one that is not ended would be waited for for ten minutes
    await Promise.all([other.close(), poll.then((answer) => expect(answer.body).toBe('ended'))]);
    expect(performance.now() - began).toBeLessThan(3_000 + held());
  });

  test('a server that is stopping answers 503 to new requests, and ends those under way', async () => {
    let release = () => {};
    const slow = route({
      ...common,
      method: 'GET',
      path: '/slow',
      handle: () =>
        new Promise((resolve) => {
          release = () => resolve({ status: 200, body: 'done' });
        }),
    });
    const other = await startServer({ routes: [...routes, slow], limits: { drainMs: 600_000 } });
    const underWay = other.call('GET', '/slow');
    await other.call('GET', '/things/1');
    const closed = other.close();
    const late = await other.call('GET', '/things/1');
    expect(late).toMatchObject({ status: 503, body: { error: { code: 'KERUTA_ERR_STOPPING' } } });
    expect(late.headers.get('retry-after')).toBe('1');
    release();
    expect(await underWay).toMatchObject({ status: 200, body: 'done' });
    await closed;
  });

  test('a request that does not end is cut off when the time to drain is over', async () => {
    const stuck = route({ ...common, method: 'GET', path: '/stuck', handle: () => new Promise(() => {}) });
    const other = await startServer({ routes: [...routes, stuck], limits: { drainMs: 50 } });
    const underWay = other.call('GET', '/stuck').catch(() => 'cut off');
    await other.call('GET', '/things/1');
    await other.close();
    expect(await underWay).toBe('cut off');
  });
});
