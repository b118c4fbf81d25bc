import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fillIn, makeThings, mustAnswer, type Things } from './route-things.ts';
import { adminToken, startServer, type TestServer } from './start-server.ts';
import { type Expectation, matrix } from './token-matrix.ts';

const kinds = {
  admin: 'a',
  session: 's',
  task: 't',
  'read-only': 'r',
  'read-only of a session': 'r',
} as const;
type Kind = keyof typeof kinds;

let server: TestServer;
/** Things that no request changes: what a foreign session looks like, and whose tokens are used on it. */
let foreign: Things;
let own: Things;
let strangers: Record<Kind, string>;

beforeAll(async () => {
  server = await startServer({
    limits: {
      adminRequestsPerSecond: 100_000,
      requestsPerSecond: 100_000,
      sessionRequestsPerSecond: 100_000,
    },
  });
  own = await makeThings(server);
  foreign = await makeThings(server);
  strangers = await tokensOf(own);
}, 60_000);
afterAll(() => server.close());

const must = (method: string, path: string, body?: unknown) => mustAnswer(server, { method, path, body });

async function tokensOf({ session, token }: Things): Promise<Record<Kind, string>> {
  const mint = async (body: object) => (await must('POST', 'tokens', body)).token ?? '';
  return {
    admin: adminToken,
    session: await mint({ scope: 'session', sessionId: session }),
    task: token,
    'read-only': await mint({ scope: 'read-only' }),
    'read-only of a session': await mint({ scope: 'read-only', sessionId: session }),
  };
}

/** Asks a route about some things; the answer of a live one is not read. @param token null = none */
async function ask(route: string, things: Things, token: string | null): Promise<number> {
  const [method = '', path = ''] = route.split(' ');
  const { owned, body, headers, query, live } = expectationOf(route);
  const fill = (text: string) => fillIn(text, { things, owned });
  const stop = new AbortController();
  const answer = await fetch(server.url + fill(path) + (query ? `?${fill(query)}` : ''), {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body && !(body instanceof Uint8Array) ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    ...(body ? { body: (body instanceof Uint8Array ? body : fill(JSON.stringify(body))) as never } : {}),
    signal: stop.signal,
  });
  if (!live || answer.status >= 300) await answer.arrayBuffer();
  stop.abort();
  return answer.status;
}

function expectationOf(route: string): Expectation {
  const expectation = matrix[route];
  if (!expectation) throw new Error(`nobody has said who may call ${route}`);
  return expectation;
}

const mayCall = (kind: Kind, { who }: Expectation) => who === 'open' || who.includes(kinds[kind]);
const allKinds = Object.keys(kinds) as Kind[];

describe('S-03: every route, every kind of token', () => {
  test('every route of the server has an expectation, and every expectation a route', async () => {
    const document = await server.call('GET', 'openapi.json');
    const documented = Object.entries<object>(document.body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    );
    expect(Object.keys(matrix).sort()).toEqual(documented.sort());
  });

  describe.each(Object.keys(matrix))('%s', (route) => {
    const expectation = expectationOf(route);

    test('without a token, or with one that nobody made', async () => {
      const wanted = expectation.who === 'open' ? (expectation.always ?? 200) : 401;
      expect(await ask(route, foreign, null)).toBe(wanted);
      expect(await ask(route, foreign, `krt_adm_${'x'.repeat(43)}`)).toBe(wanted);
    });

    test('with a token of the wrong kind', async () => {
      const wrong = allKinds.filter((kind) => !mayCall(kind, expectation));
      const got: Record<string, number> = {};
      for (const kind of wrong) {
        got[kind] = await ask(route, own, strangers[kind]);
        // the wrong kind is told so before anything is looked up
        got[`${kind}, foreign`] = await ask(route, foreign, strangers[kind]);
      }
      expect(got).toEqual(Object.fromEntries(Object.keys(got).map((name) => [name, 403])));
    });

    const ownedTest = expectation.owned === 'none' ? () => {} : test;
    ownedTest('with a token of another session: as if there were nothing', async () => {
      const bound = (['session', 'task', 'read-only of a session'] as const).filter((kind) =>
        mayCall(kind, expectation),
      );
      const got: Record<string, number> = {};
      for (const kind of bound) got[kind] = await ask(route, foreign, strangers[kind]);
      expect(got).toEqual(Object.fromEntries(bound.map((kind) => [kind, expectation.foreign ?? 404])));
      // an administrator sees what is there: it was out of sight, not absent
      const task = await server.call('GET', `tasks/${foreign.task}`);
      expect(task).toMatchObject({ status: 200, body: { status: 'PROCESSING', progress: 0, name: 'n' } });
    });

    test('with a token that may', async () => {
      for (const kind of allKinds.filter((each) => mayCall(each, expectation))) {
        // a right that is used may end a task or remove a session: each kind gets things of its own
        const isReading = /^(GET|HEAD)/.test(route);
        const things = isReading ? own : await makeThings(server);
        const tokens = isReading ? strangers : await tokensOf(things);
        const status = await ask(route, things, tokens[kind]);
        const isFine = expectation.always ? status === expectation.always : ![401, 403, 404].includes(status);
        const isBoundOut = expectation.who === 'ar' && kind === 'read-only of a session';
        if (isBoundOut) expect([kind, status]).toEqual([kind, 403]);
        else if (expectation.always === undefined && expectation.owned === 'none' && route.includes(':'))
          expect([kind, status]).not.toEqual([kind, 401]);
        else expect([kind, status, isFine]).toEqual([kind, status, true]);
        expect(status).toBeLessThan(500);
      }
    });
  });
});

describe('S-04: the id of a thing of another session, under a path of one’s own,', () => {
  const foreignThings = ['artifactId', 'uploadId', 'logId'] as const;
  const routes = Object.keys(matrix).filter((route) =>
    foreignThings.some((name) => route.includes(`:${name}`)),
  );

  test('is in the path of some routes', () => {
    for (const name of foreignThings) expect(routes.join()).toContain(`:${name}`);
  });

  test.each(routes)('%s leads to nothing', async (route) => {
    const { artifactId = '', uploadId = '', logId = '' } = foreign.ids;
    const mixed = { ...own, ids: { ...own.ids, artifactId, uploadId, logId } };
    const got: Record<string, number> = {};
    const wanted: Record<string, number> = {};
    for (const kind of allKinds.filter((each) => mayCall(each, expectationOf(route)))) {
      got[kind] = await ask(route, mixed, strangers[kind]);
      wanted[kind] = 404;
    }
    expect(got).toEqual(wanted);
    expect(Object.keys(got).length).toBeGreaterThan(1);
  });

  test('leads to nothing in a body: a question, a parent, a task that is waited for', async () => {
    const asked = await must('POST', `tasks/${foreign.task}/input-request`, { prompt: 'foreign?' });
    const headers = { authorization: `Bearer ${strangers.session}` };
    const call = async (path: string, body: object) => {
      const { status, body: answer } = await server.call('POST', path, body, headers);
      return { status, told: JSON.stringify(answer.error).replace(/[0-9a-f-]{36}/g, 'ID') };
    };
    const nobody = randomUUID();
    const wish = { sessionId: own.session, name: 'n', script: 'true' };
    const bodies = (task: string, promptId: string) => [
      [`tasks/${own.task}/input`, { input: 'mine', promptId }] as const,
      ['tasks', { ...wish, parentTaskId: task }] as const,
      ['tasks', { ...wish, needs: [task] }] as const,
    ];
    const unknown = bodies(nobody, nobody);
    for (const [index, [path, body]] of bodies(foreign.task, asked.id ?? '').entries()) {
      const answer = await call(path, body);
      expect([body, answer.status]).toEqual([body, 404]);
      // nobody learns from the answer whether there is such a thing
      expect(answer).toEqual(await call(path, unknown[index]?.[1] ?? {}));
    }
    const { body } = await server.call('GET', `tasks/${foreign.task}/input-requests`);
    expect(body).toMatchObject([{ prompt: 'foreign?', state: 'open' }]);
  });
});

describe('S-03: a token of a run', () => {
  test('sees no other task of its session', async () => {
    const things = await makeThings(server);
    const { id } = await must('POST', 'tasks', { sessionId: things.session, name: 'secret', script: 'true' });
    const sibling = { ...things, task: id ?? '' };
    for (const route of Object.keys(matrix)) {
      const expectation = expectationOf(route);
      if (expectation.owned !== 'task' || !expectation.who.includes('t')) continue;
      expect([route, await ask(route, sibling, things.token)]).toEqual([route, expectation.foreign ?? 404]);
    }
    const seen = async (path: string) => {
      const headers = { authorization: `Bearer ${things.token}` };
      return JSON.stringify((await server.call('GET', path, undefined, headers)).body);
    };
    for (const path of ['tasks', `sessions/${things.session}/tasks`, `tasks/session/${things.session}`]) {
      expect(await seen(path)).not.toContain('secret');
    }
  });

  test('speaks for its own attempt only', async () => {
    const things = await makeThings(server);
    const next = { ...things, ids: { ...things.ids, n: '2' } };
    for (const route of Object.keys(matrix)) {
      const expectation = expectationOf(route);
      if (!/attempts\/:n/.test(route) || !expectation.who.includes('t') || /log$/.test(route)) continue;
      expect([route, await ask(route, next, things.token)]).toEqual([route, 403]);
    }
  });
});
