import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { maxJsonDepth, parseJson } from '../../../internal/server/parse-json.ts';
import { routes } from '../../../internal/server/routes.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { type LogFields, silentLog } from '../../../pkg/log/log.ts';
import { makeStreamLog } from '../../../pkg/log/stream-log.ts';
import { makeTask } from './claims-client.ts';
import { adminToken, startServer, type TestServer } from './start-server.ts';
import { matrix } from './token-matrix.ts';

/** What an answer gives away about the inside of the server. */
const leaks = [
  /node_modules/,
  /\/home\b/,
  /\/work\b/,
  /\bSELECT |\bINSERT |\bUPDATE .* SET/,
  /\n?\s+at \S+ \(|\.ts:\d+/,
];
const seed = Number(process.env.FUZZ_SEED ?? 4711);

let server: TestServer;
let ids: readonly string[];
/** what the server noted of requests that it had no answer for */
const faults: unknown[] = [];
beforeAll(async () => {
  const rates = { adminRequestsPerSecond: 1_000_000 };
  const logger = {
    ...silentLog,
    error: (_message: string, fields?: LogFields) => faults.push(fields?.error),
  };
  server = await startServer({ logger, limits: rates, parts: { maxTasksPerMinute: 1_000_000 } });
});
// a route that removes things leaves none for the next
beforeEach(async () => {
  const { session, task, claim } = await makeTask(server);
  await claim();
  ids = [session.id, task.id];
});
afterAll(() => server.close());

/** Sends something; @returns the status and the whole answer, headers too. */
async function send(method: string, path: string, body: string | null, headers: Record<string, string> = {}) {
  const stop = new AbortController();
  const response = await fetch(server.url + path, {
    method,
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json', ...headers },
    ...(body === null || method === 'GET' || method === 'HEAD' ? {} : { body }),
    signal: stop.signal,
  });
  const isLive = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  const text = isLive ? '' : await response.text();
  stop.abort();
  return { status: response.status, text: text + JSON.stringify([...response.headers]) };
}

const poison = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '$where',
  "' OR 1=1 --",
];
const oddText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    ...poison,
    '\u0000',
    '\ud800',
    '\u202e',
    '../../etc/passwd',
    '%00',
    'null',
    'x'.repeat(3_000),
    '\n{"level":"error"}',
  ),
);
/** The names that bodies of any route have, so that what is odd comes past the outermost shape. */
const knownNames = [
  ...['name', 'title', 'script', 'sessionId', 'status', 'message', 'progress', 'level', 'source', 'metadata'],
  ...[
    'parameters',
    'templateConfig',
    'tags',
    'tag',
    'logs',
    'messages',
    'agentId',
    'claimId',
    'waitMs',
    'path',
  ],
  ...[
    'size',
    'sha256',
    'content',
    'url',
    'branch',
    'authType',
    'authConfig',
    'scope',
    'input',
    'prompt',
    'timestamp',
  ],
  ...[
    'exitCode',
    'streams',
    'artifacts',
    'controlSeq',
    'priority',
    'timeoutSeconds',
    'expiresInSeconds',
    'action',
  ],
];
const oddValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    oddText,
    fc.constantFrom(0, -0, -1, 1e308, 2 ** 53, 0.1, null, true, false),
    fc.integer(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...knownNames, ...poison), oddText), tie('value'), { maxKeys: 5 }),
  ),
})).value;
/** Bodies that a route would take, with one thing in them that is odd; and such as no route takes. */
function oddBodies(route: string): fc.Arbitrary<string> {
  const { body = {} } = matrix[route] ?? {};
  const good = JSON.parse(JSON.stringify(body).replaceAll(':id', ids[0] ?? '')) as Record<string, unknown>;
  const names = [...Object.keys(good), ...knownNames];
  const nearlyGood = fc
    .tuple(fc.constantFrom(...names), oddValue)
    .map(([name, value]) => JSON.stringify({ ...good, [name]: value }));
  return fc.oneof(
    { weight: 4, arbitrary: nearlyGood },
    { weight: 1, arbitrary: oddValue.map((value) => JSON.stringify(value) ?? 'null') },
    { weight: 1, arbitrary: oddText },
  );
}

describe('S-58: whatever comes', () => {
  test.each(routes.map(({ method, path }) => [method, path] as const))(
    '%s %s answers without a fault of its own, and gives nothing of its inside away',
    async (method, path) => {
      const part = fc.oneof(
        fc.constantFrom(...poison, ...ids, '1', 'stdout', '.', '%00', 'x'.repeat(900)),
        oddText,
      );
      const query = fc.option(
        fc.tuple(fc.constantFrom('limit', 'page', 'from', 'status', 'name', 'format', 'level'), oddText),
      );
      const property = fc.asyncProperty(
        fc.array(part, { minLength: 6, maxLength: 6 }),
        oddBodies(`${method} ${path}`),
        query,
        async (parts, body, asked) => {
          let next = 0;
          const filled = path.replace(/:\w+/g, (name) =>
            name === ':id' && next === 0 ? idFor(path, parts[next++] ?? '') : segment(parts[next++] ?? ''),
          );
          const url = filled + (asked ? `?${asked[0]}=${segment(asked[1])}` : '');
          const { status, text } = await send(method, url, body);
          expect([status, ...faults.splice(0)]).toEqual([status]);
          for (const leak of leaks) expect(text).not.toMatch(leak);
        },
      );
      await fc.assert(property, { seed, numRuns: Number(process.env.FUZZ_RUNS ?? 25) });
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    },
    60_000,
  );

  test.each(['', '{', 'null', '{"a":1}'])(
    'an address that does not exist is a 404, also with the body %j',
    async (body) => {
      expect((await send('POST', '/api/v1/nowhere', body)).status).toBe(404);
      expect((await send('PATCH', '/api/v1/tasks', body)).status).toBe(405);
    },
  );

  test('a route that fails in an unforeseen way says so, and the reason is in the log only, on one line', async () => {
    const lines: string[] = [];
    const write = (line: string) => void lines.push(line);
    const logger = makeStreamLog({ clock: systemClock, write, level: 'debug', format: 'json' });
    const words = 'SELECT secret FROM /home/me/node_modules\n{"level":"error"}\u001b[31m\u009b';
    const handle = async () => {
      throw new Error(words);
    };
    const bug = {
      access: ['admin'],
      summary: '',
      tag: 'test',
      method: 'GET',
      path: '/bug/:id',
      handle,
    } as const;
    const other = await startServer({ routes: [bug], logger });
    onTestFinished(() => other.close());
    const answer = await other.call('GET', '/bug/%0A%7B%22level%22%3A%22error%22%7D');
    expect(answer.status).toBe(500);
    for (const leak of leaks) expect(JSON.stringify(answer.body)).not.toMatch(leak);
    // S-57: one request, one line; nothing in it that a terminal or a parser of lines would take for more
    expect(lines).toHaveLength(1);
    expect(isPrintable(lines[0]!.trimEnd())).toBe(true);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'ERROR',
      msg: 'request failed',
      error: { message: words },
    });
  });
});

function isPrintable(text: string): boolean {
  return [...text].every((character) => {
    const code = character.charCodeAt(0);
    return code >= 0x20 && !(code >= 0x7f && code <= 0x9f);
  });
}

function segment(text: string): string {
  return encodeURIComponent(text.toWellFormed()) || '-';
}

/** Mostly an id that exists, so that what is odd gets past the look-up. */
function idFor(path: string, odd: string): string {
  if (odd.length % 3 === 0) return segment(odd);
  return (path.includes('/sessions/') ? ids[0] : ids[1]) ?? '';
}

describe('S-59: JSON from outside', () => {
  test.each([
    '{"__proto__":{"polluted":1}}',
    '{"a":[{"__proto__":null}]}',
    '{"constructor":{"prototype":{"polluted":1}}}',
    '{"\\u005f_proto__":{"polluted":1}}',
    '{"parameters":{"con\\u0073tructor":{"prototype":{"polluted":1}}}}',
  ])('%s is refused', (text) => {
    expect(() => parseJson(text)).toThrow(/never taken/);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('the same words as values, or near such keys, are taken', () => {
    const good = '{"name":"__proto__","a":["constructor"],"__proto":1,"Constructor":2,"x\\\\u005f":3}';
    expect(parseJson(good)).toMatchObject({ name: '__proto__', a: ['constructor'] });
  });

  test('is taken to its depth and refused one deeper, whatever stands in its texts', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}"]]\\"[[[{{\\\\"${']'.repeat(depth)}`;
    expect(() => parseJson(nested(maxJsonDepth))).not.toThrow();
    expect(() => parseJson(nested(maxJsonDepth + 1))).toThrow(/deeper than the 64 levels/);
    expect(parseJson(JSON.stringify({ script: '[{"'.repeat(50_000) }))).toMatchObject({});
  });

  test('agrees with JSON.parse on everything else', () => {
    const plain = fc
      .jsonValue({ maxDepth: 20 })
      .filter((value) => !/__proto__|constructor/.test(JSON.stringify(value)));
    fc.assert(
      fc.property(plain, (value) => {
        const text = JSON.stringify(value);
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
      { seed },
    );
  });

  test.each([
    ['arrays', '[', ']'],
    ['objects', '{"a":', '}'],
  ])('F-65: %s 100,000 deep are a 400, at once', async (_what, begin, end) => {
    const body = `${begin.repeat(100_000)}1${end.repeat(100_000)}`;
    for (const wrapped of [
      body,
      `{"sessionId":"${ids[0]}","name":"n","script":"true","parameters":{"a":${body}}}`,
    ]) {
      const { status, text } = await send('POST', '/api/v1/tasks', wrapped);
      expect(status).toBe(400);
      expect(text).toContain('deeper');
    }
  });

  test('a key of a prototype in any body is a 400 that names it, and changes no object', async () => {
    const body = `{"sessionId":"${ids[0]}","name":"n","script":"true","parameters":{"__proto__":{"polluted":true}}}`;
    const { status, text } = await send('POST', '/api/v1/tasks', body);
    expect(status).toBe(400);
    expect(text).toContain('__proto__');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
