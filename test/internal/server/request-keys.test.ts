import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTask } from './claims-client.ts';
import { startServer, type TestServer } from './start-server.ts';

/** Requests of people under an Idempotency-Key. */
let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

let keys = 0;
const newKey = () => `key-${++keys}`;
const line = { level: 'INFO', source: 's', action: 'a', message: 'm' };
const document = { title: 't', content: 'c' };

/** What is asked, of which list the effect shows in, with another wish for the same key. */
interface Repeated {
  readonly path: string;
  readonly body?: object;
  readonly other?: object;
  readonly list: string;
  readonly again: number;
}

const cases: Readonly<Record<string, (of: { session: string; task: string }) => Repeated>> = {
  'a line of a session’s log': ({ session }) => ({
    ...{ path: `sessions/${session}/logs`, list: `sessions/${session}/logs`, again: 200 },
    ...{ body: line, other: { ...line, message: 'other' } },
  }),
  'a subtask': ({ session, task }) => ({
    ...{ path: `tasks/${task}/subtasks`, list: `sessions/${session}/tasks`, again: 200 },
    ...{ body: { name: 'n', script: 'true' }, other: { name: 'n', script: 'false' } },
  }),
  'a task that tries a session': ({ session }) => ({
    ...{ path: `tasks/test/${session}`, list: `sessions/${session}/tasks`, again: 200 },
  }),
  'a document': () => ({
    ...{ path: 'documents', list: 'documents', again: 200 },
    ...{ body: document, other: { ...document, content: 'other' } },
  }),
  'a token': ({ session }) => ({
    ...{ path: 'tokens', list: 'tokens', again: 409 },
    ...{ body: { scope: 'session', sessionId: session }, other: { scope: 'admin' } },
  }),
};

/** A place of its own for one case. */
async function placeOf(caseOf: (typeof cases)[string]) {
  const { session, task } = await makeTask(server);
  const { list, path, body, other, again } = caseOf({ session: session.id, task: task.id });
  const idsOf = async () =>
    ((await server.call('GET', list)).body as { id: string }[]).map(({ id }) => id).toSorted();
  const ask = (key: string, wish: object | undefined = body) =>
    server.call('POST', path, wish, { 'idempotency-key': key });
  return { ask, idsOf, other, again };
}

describe.each(Object.entries(cases))('%s', (_what, caseOf) => {
  const place = () => placeOf(caseOf);

  test('that is asked for again under its key is there once', async () => {
    const { ask, idsOf, again } = await place();
    const key = newKey();
    const first = await ask(key);
    const made = await idsOf();
    expect(made).toContain(first.body.id);
    const second = await ask(key);
    expect(second.status).toBe(again);
    if (again === 200) expect(second.body).toEqual(first.body);
    else expect(second.body.error).toMatchObject({ details: { tokenId: first.body.id } });
    expect(await idsOf()).toEqual(made);
  });

  test('under another key is another one', async () => {
    const { ask, idsOf } = await place();
    const before = await idsOf();
    const ids = [(await ask(newKey())).body.id, (await ask(newKey())).body.id];
    expect(await idsOf()).toEqual([...before, ...ids].toSorted());
  });

  test('is asked for by many requests at once, and there once', async () => {
    const { ask, idsOf } = await place();
    const before = await idsOf();
    const key = newKey();
    await Promise.all(Array.from({ length: 10 }, () => ask(key)));
    expect(await idsOf()).toHaveLength(before.length + 1);
  });

  test('under an empty key is refused', async () => {
    const { ask, idsOf } = await place();
    const before = await idsOf();
    expect(await ask('')).toMatchObject({ status: 400, body: { error: { code: 'KERUTA_ERR_BAD_VALUE' } } });
    expect(await idsOf()).toEqual(before);
  });
});

const withWishes = Object.entries(cases).filter(([what]) => what !== 'a task that tries a session');
test.each(withWishes)('%s under a key that asked for something else is refused', async (_what, caseOf) => {
  const { ask, idsOf, other } = await placeOf(caseOf);
  const key = newKey();
  await ask(key);
  const made = await idsOf();
  const answer = await ask(key, other);
  expect(answer).toMatchObject({ status: 409, body: { error: { code: 'KERUTA_ERR_IDEMPOTENCY' } } });
  expect(await idsOf()).toEqual(made);
});

test('a key of one thing is free for another', async () => {
  const [one, two] = [(await makeTask(server)).session, (await makeTask(server)).session];
  const headers = { 'idempotency-key': newKey() };
  for (const { id } of [one, two]) await server.call('POST', `sessions/${id}/logs`, line, headers);
  await server.call('POST', 'documents', document, headers);
  for (const { id } of [one, two]) {
    const { body } = await server.call('GET', `sessions/${id}/logs?source=s`);
    expect(body).toHaveLength(1);
  }
});

test('a document that was removed since is not made anew by its key', async () => {
  const headers = { 'idempotency-key': newKey() };
  const { id } = (await server.call('POST', 'documents', document, headers)).body;
  await server.call('DELETE', `documents/${id}`);
  expect((await server.call('POST', 'documents', document, headers)).status).toBe(404);
});

test('a token is told once: its key leads to its id, not to its text', async () => {
  const headers = { 'idempotency-key': newKey() };
  const wish = { scope: 'read-only' };
  const { token, id } = (await server.call('POST', 'tokens', wish, headers)).body;
  const again = await server.call('POST', 'tokens', wish, headers);
  expect(again).toMatchObject({ status: 409, body: { error: { code: 'KERUTA_ERR_IDEMPOTENCY' } } });
  expect(again.body.error.message).toContain(`keruta token revoke ${id}`);
  expect(JSON.stringify(again.body)).not.toContain(token);
});

describe('a repository', () => {
  test('is toggled once by a key, also when another one toggled it since', async () => {
    const url = 'https://example.org/toggled.git';
    const wish = { name: 'r', url, branch: 'main', authType: 'none' };
    const { id } = (await server.call('POST', 'repositories', wish)).body;
    const toggle = async (key?: string) => {
      const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
      return (await server.call('POST', `repositories/${id}/toggle-status`, undefined, headers)).body
        .isActive;
    };
    const [one, two] = [newKey(), newKey()];
    expect([await toggle(one), await toggle(one)]).toEqual([false, false]);
    expect([await toggle(two), await toggle(one), await toggle(two)]).toEqual([true, true, true]);
    // without a key each request counts, also those that come at once
    await Promise.all([toggle(), toggle(), toggle()]);
    expect((await server.call('GET', `repositories/${id}`)).body.isActive).toBe(false);
  });
});
