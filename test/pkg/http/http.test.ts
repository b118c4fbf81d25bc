import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeHttp } from '../../../pkg/http/http.ts';
import {
  HttpConnectError,
  HttpResetError,
  HttpTimeoutError,
  HttpTooLargeError,
  httpErrorOf,
} from '../../../pkg/http/http-errors.ts';
import { type FakeServer, faults, startFakeServer } from '../../fake-server/fake-server.ts';

let server: FakeServer;
const http = makeHttp({ userAgent: 'test/1', maxResponseBytes: 1000 });

beforeEach(async () => {
  server = await startFakeServer();
});
afterEach(() => server.close());

const get = (path: string) => http.request({ method: 'GET', url: server.url + path });

describe('a request', () => {
  test('carries method, path, query, headers and body, and gives the answer as JSON', async () => {
    server.route('POST', '/a', { status: 201, json: { ok: true }, headers: { 'x-more': 'yes' } });
    const url = `${server.url}/a?b=c`;
    const answer = await http.request({ method: 'POST', url, headers: { 'x-test': '1' }, body: 'hello' });
    expect([answer.status, answer.headers['x-more'], await answer.json()]).toEqual([
      201,
      'yes',
      { ok: true },
    ]);
    const [request] = server.requests;
    expect([request!.body.toString(), request!.query.get('b'), request!.headers['x-test']]).toEqual([
      'hello',
      'c',
      '1',
    ]);
    expect(request!.headers['user-agent']).toBe('test/1');
  });

  test('sends large bytes and iterables unchanged', async () => {
    server.route('PUT', '/a', { status: 204 });
    const bytes = Buffer.alloc(300_000, 'abc');
    const parts = async function* () {
      yield bytes.subarray(0, 7);
      yield bytes.subarray(7);
    };
    for (const body of [bytes, parts()])
      await (await http.request({ method: 'PUT', url: `${server.url}/a`, body })).discard();
    expect(server.requests.map((request) => request.body.equals(bytes))).toEqual([true, true]);
    expect(server.requests[0]!.headers['content-length']).toBe('300000');
  });

  test('throws what the iterable of its body throws, as it is', async () => {
    server.route('PUT', '/a', { status: 204 });
    const fault = new Error('the file is gone');
    // biome-ignore lint/correctness/useYield: it fails before its first piece
    const body = (async function* (): AsyncGenerator<Uint8Array> {
      throw fault;
    })();
    await expect(http.request({ method: 'PUT', url: `${server.url}/a`, body })).rejects.toBe(fault);
  });

  test('with a header that cannot be sent is the caller’s fault, not the network’s', async () => {
    const pending = http.request({ method: 'GET', url: server.url, headers: { 'x-a': 'two\r\nlines' } });
    await expect(pending).rejects.toMatchObject({ code: 'UND_ERR_INVALID_ARG' });
    expect(server.requests).toHaveLength(0);
  });

  test('does not follow a redirect', async () => {
    server.route('GET', '/a', { status: 302, headers: { location: '/b' } });
    expect((await get('/a')).status).toBe(302);
    expect(server.requests).toHaveLength(1);
  });

  test('rejects with the reason of its signal', async () => {
    server.route('GET', '/a', faults.blackHole);
    const stop = new AbortController();
    const pending = http.request({ method: 'GET', url: `${server.url}/a`, signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
    await expect(http.request({ method: 'GET', url: server.url, signal: stop.signal })).rejects.toThrow(
      'enough',
    );
  });
});

describe('a fault', () => {
  test('of a refused connection is HttpConnectError with the code of the system', async () => {
    await server.refuse();
    const error = await get('/a').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HttpConnectError);
    expect((error as HttpConnectError).code).toBe('ECONNREFUSED');
  });

  test('of a cut connection is HttpResetError, and the next request gets a new one', async () => {
    server.route('GET', '/a', faults.reset, { text: 'fine' });
    await expect(get('/a')).rejects.toBeInstanceOf(HttpResetError);
    expect(await (await get('/a')).text()).toBe('fine');
  });

  test('of a silent server is HttpTimeoutError of phase headers', async () => {
    server.route('GET', '/a', faults.blackHole);
    const hasty = makeHttp({ userAgent: 'test/1', headersMs: 150 });
    const pending = hasty.request({ method: 'GET', url: `${server.url}/a` });
    await expect(pending).rejects.toMatchObject({ name: 'HttpTimeoutError', phase: 'headers' });
  });

  test('of an answer that stops is HttpTimeoutError of phase stall', async () => {
    server.route('GET', '/a', {
      stream: async (send, closed) => {
        send('a beginning');
        await closed;
      },
    });
    const hasty = makeHttp({ userAgent: 'test/1', stallMs: 150 });
    const answer = await hasty.request({ method: 'GET', url: `${server.url}/a` });
    await expect(answer.text()).rejects.toMatchObject({ name: 'HttpTimeoutError', phase: 'stall' });
  });

  test('of a body that is cut is HttpResetError', async () => {
    server.route('GET', '/a', faults.cut);
    const answer = await get('/a');
    await expect(answer.bytes()).rejects.toBeInstanceOf(HttpResetError);
  });

  test('of a body over the limit is HttpTooLargeError, while a stream has no limit', async () => {
    server.route('GET', '/a', { text: 'x'.repeat(1001) });
    await expect((await get('/a')).text()).rejects.toBeInstanceOf(HttpTooLargeError);
    let size = 0;
    for await (const chunk of (await get('/a')).stream) size += chunk.length;
    expect(size).toBe(1001);
  });

  test('of a body over the limit of its own request is HttpTooLargeError, whatever the limit of the client', async () => {
    server.route('GET', '/a', { text: 'x'.repeat(1001) });
    const taking = (maxResponseBytes: number) =>
      http.request({ method: 'GET', url: `${server.url}/a`, maxResponseBytes });
    expect(await (await taking(1001)).text()).toHaveLength(1001);
    await expect((await taking(1000)).text()).rejects.toMatchObject({
      name: 'HttpTooLargeError',
      message: expect.stringContaining('1000 bytes'),
    });
  });

  test('of a body whose beginning is enough is none', async () => {
    server.route('GET', '/a', { text: 'あ'.repeat(100_000) });
    expect(await (await get('/a')).head(6)).toBe('ああ');
    expect(await (await get('/a')).head(300_001)).toBe('あ'.repeat(100_000));
    server.route('GET', '/b', { text: 'short' });
    expect(await (await get('/b')).head(5)).toBe('short');
    expect(await (await get('/b')).head(500)).toBe('short');
  });

  test.each([
    ['UND_ERR_CONNECT_TIMEOUT', HttpTimeoutError],
    ['ENOTFOUND', HttpConnectError],
    ['CERT_HAS_EXPIRED', HttpConnectError],
    ['ERR_TLS_CERT_ALTNAME_INVALID', HttpConnectError],
    ['EPIPE', HttpResetError],
  ])('with the code %s is %o', (code, kind) => {
    expect(httpErrorOf(Object.assign(new Error('x'), { code }), 'here')).toBeInstanceOf(kind);
  });

  test('of several addresses is named after the first', () => {
    const error = new AggregateError([Object.assign(new Error('x'), { code: 'ECONNREFUSED' })]);
    expect(httpErrorOf(error, 'here')).toBeInstanceOf(HttpConnectError);
  });
});
