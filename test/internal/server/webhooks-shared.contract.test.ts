import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import type { Store } from '../../../internal/store/store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { newSchema, postgresUrl } from '../../pkg/postgres/new-schema.ts';
import { startServer } from './start-server.ts';
import { applyHook, hostOf, send } from './webhook-world.ts';

beforeAll(() => void postgresUrl());

/** Servers on one PostgreSQL. @param change  of the store that each of them sees */
async function replicas(count: number, change: (store: Store) => Store = (store) => store) {
  const { url, schema, remove } = await newSchema();
  onTestFinished(remove);
  const servers = [];
  for (let n = 0; n < count; n++) {
    const store = await openPostgresStore({ url, schema, clock: systemClock, log: silentLog });
    onTestFinished(() => store.close());
    const server = await startServer({ parts: { store: change(store), triggerHost: hostOf() } });
    onTestFinished(() => server.close());
    servers.push(server);
  }
  const [first] = servers;
  if (first === undefined) throw new Error('no server');
  await applyHook(first);
  return { servers, first };
}

describe('F-79, S-40: servers that share a database', () => {
  test('make one task of 1,000 copies of one delivery that come to four of them at once, and all answers name it', async () => {
    const { servers, first } = await replicas(4);
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, n) => send(servers[n % 4]?.url ?? '', { id: 'd' })),
    );
    expect(answers.map(({ status }) => status).filter((status) => status === 202)).toHaveLength(1);
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(999);
    expect(new Set(answers.map(({ body }) => body.taskId)).size).toBe(1);
    const rows = await first.call('GET', 'workflows/w/occurrences');
    expect(rows.body).toMatchObject([{ key: 'delivery:d', decision: 'run' }]);
    const session = await first.parts.store.sessionByName('w');
    expect(await first.parts.store.countTasks({ sessionId: session?.id ?? '' })).toBe(1);
  }, 120_000);

  test('know a delivery that another one took, and a webhook that another one was told', async () => {
    const { servers } = await replicas(2);
    const [one, two] = servers.map(({ url }) => url);
    const answers = [await send(one ?? '', { id: 'd' }), await send(two ?? '', { id: 'd' })];
    expect(answers.map(({ status }) => status)).toEqual([202, 200]);
    expect(answers[1]?.body.taskId).toBe(answers[0]?.body.taskId);
  });
});

describe('S-40, W4: a delivery that could not be written', () => {
  test('is answered with an error, leaves nothing, and succeeds when it is sent again', async () => {
    let faults = 0;
    const { first } = await replicas(1, (store) => ({
      ...store,
      transact: (work) =>
        store.transact(async (tx) => {
          const insertOccurrence: typeof tx.insertOccurrence = async (row) => {
            const isNew = await tx.insertOccurrence(row);
            if (faults++ === 0) throw new Error('the disk took nothing');
            return isNew;
          };
          return work({ ...tx, insertOccurrence });
        }),
    }));
    const session = async () => (await first.parts.store.sessionByName('w'))?.id ?? '';
    expect((await send(first.url, { id: 'd' })).status).toBe(500);
    expect(await first.parts.store.countTasks({ sessionId: await session() })).toBe(0);
    expect((await first.call('GET', 'workflows/w/occurrences')).body).toEqual([]);
    expect((await send(first.url, { id: 'd' })).status).toBe(202);
    expect(await first.parts.store.countTasks({ sessionId: await session() })).toBe(1);
  });
});
