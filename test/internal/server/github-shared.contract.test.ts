import { describe, expect, onTestFinished, test } from 'vitest';
import { startReports } from '../../../internal/session/report-loop.ts';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import { openSqliteStore } from '../../../internal/store/sqlite-store.ts';
import type { Store } from '../../../internal/store/store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';
import { pullRequest, push, sha } from '../trigger/github/payloads.ts';
import { deliverTo, openApp, secrets } from './github-world.ts';
import { startServer, type TestServer } from './start-server.ts';

const clock = systemClock;
const log = silentLog;

/** What two servers see of one database. */
const stores: Readonly<Record<string, () => Promise<readonly [Store, Store]>>> = {
  sqlite: async () => {
    const store = await openSqliteStore({ file: ':memory:', clock, log });
    onTestFinished(() => store.close());
    return [store, store];
  },
  postgres: async () => {
    const { url, schema, remove } = await newSchema();
    onTestFinished(remove);
    const open = async () => {
      const store = await openPostgresStore({ url, schema, clock, log });
      onTestFinished(() => store.close());
      return store;
    };
    return [await open(), await open()];
  },
};

/** The commit of the n-th pull request; all zeros would be none. */
const commitOf = (n: number) => sha((n + 1).toString(16));

/** Two servers, with an App at a fake GitHub, and one workflow. */
async function replicas(name: string, trigger: object) {
  const { app, fake } = await openApp();
  const github = { secrets, app, publicUrl: null };
  const servers: TestServer[] = [];
  for (const store of (await stores[name]?.()) ?? []) {
    const limits = { maxTasksPerMinute: 100_000, maxPendingTasks: 100_000 };
    const server = await startServer({ parts: { store, github, ...limits } });
    onTestFinished(() => server.close());
    servers.push(server);
  }
  const [one, two] = servers;
  if (one === undefined || two === undefined) throw new Error('two');
  const github1 = { type: 'github', repository: 'acme/*', events: ['push', 'pull_request'], ...trigger };
  const workflow = { name: 'w', run: 'true', overlap: 'allow', triggers: [github1] };
  expect((await one.call('POST', 'workflows', workflow)).status).toBe(201);
  return { one, two, servers, app, fake };
}

describe.each(Object.keys(stores))('two servers on one database (%s)', (name) => {
  test('F-79: make one occurrence and one task of 200 copies of one delivery that come to both at once', async () => {
    const { one, servers } = await replicas(name, {});
    const same = { 'x-github-delivery': 'same' };
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => deliverTo(servers[n % 2]?.url ?? '', push(), same)),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 202)).toHaveLength(1);
    expect(statuses.filter((status) => status === 200)).toHaveLength(199);
    expect(new Set(answers.map(({ body }) => body.triggers[0].taskId)).size).toBe(1);
    const rows = (await one.call('GET', 'workflows/w/occurrences')).body;
    expect(rows).toMatchObject([{ key: 'delivery:same', decision: 'run' }]);
    expect(await one.parts.store.countTasks({})).toBe(1);
  }, 60_000);

  test('tell each report once, and the end last', async () => {
    const { one, two, servers, app, fake } = await replicas(name, { report: ['status', 'comment'] });
    const stop = new AbortController();
    const loops = servers.map(({ parts }) => startReports(parts, app, stop.signal));
    onTestFinished(async () => {
      stop.abort();
      await Promise.all(loops.map(({ ended }) => ended));
    });
    const ids: string[] = [];
    for (let n = 0; n < 10; n++) {
      const payload = pullRequest();
      const head = { ...payload.pull_request.head, sha: commitOf(n) };
      const pull = { ...payload.pull_request, number: n + 1, head };
      const event = { 'x-github-event': 'pull_request', 'x-github-delivery': `d-${n}` };
      const { body } = await deliverTo(n % 2 ? two.url : one.url, { ...payload, pull_request: pull }, event);
      ids.push(body.triggers[0].taskId);
    }
    for (const [n, id] of ids.entries()) {
      await (n % 2 ? one : two).call('PUT', `tasks/${id}/status`, { status: 'PROCESSING' });
      await (n % 2 ? two : one).call('PUT', `tasks/${id}/status`, { status: 'COMPLETED' });
    }
    const isTold = async (id: string) => (await one.parts.store.report(id))?.dueAt === null;
    const told = async () => (await Promise.all(ids.map(isTold))).filter((is) => is).length;
    await expect.poll(told, { timeout: 60_000 }).toBe(10);
    expect(fake.comments.map(({ at }) => at).sort()).toEqual(
      ids.map((_, n) => `/repos/acme/site/issues/${n + 1}/comments`).sort(),
    );
    for (const [n] of ids.entries()) {
      const ofOne = fake.statuses.filter(({ at }) => at.endsWith(commitOf(n)));
      expect(ofOne.at(-1)?.state).toBe('success');
      expect(ofOne.filter(({ state }) => state === 'success')).toHaveLength(1);
    }
  }, 90_000);
});
