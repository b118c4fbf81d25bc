import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import type { Store } from '../../../internal/store/store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { openPostgres, type Postgres } from '../../../pkg/postgres/postgres.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';
import { sampleEvent, sampleSession } from './samples.ts';

let place: Awaited<ReturnType<typeof newSchema>>;
let open: (() => Promise<void>)[];

beforeEach(async () => {
  place = await newSchema();
  open = [];
});
afterEach(async () => {
  for (const close of open) await close();
  await place.remove();
});

async function server(): Promise<Store> {
  const { schema } = place;
  const url = new URL(place.url);
  url.searchParams.set('application_name', schema);
  const store = await openPostgresStore({ url: url.href, schema, clock: systemClock, log: silentLog });
  open.push(() => store.close());
  return store;
}

async function raw(): Promise<Postgres> {
  const { url, schema } = place;
  const postgres = await openPostgres({ url, schema, clock: systemClock, onFault: () => {} });
  open.push(() => postgres.close());
  return postgres;
}

const heard = (store: Store, topic: Parameters<Store['subscribe']>[0]) =>
  new Promise<void>((resolve) => store.subscribe(topic, resolve));

describe('servers that share a database', () => {
  test('start at the same time on an empty one', async () => {
    const stores = await Promise.all([server(), server(), server()]);
    await stores[0]!.transact((tx) => tx.putMeta('a', 'b'));
    expect(await stores[2]!.meta('a')).toBe('b');
  });

  test('hear each other, in transactions and without', async () => {
    const [one, two] = [await server(), await server()];
    const first = heard(two, 'session:a');
    await one.transact(async (tx) => tx.notify('session:a'));
    await first;
    const second = heard(two, 'sessions');
    one.notify('sessions');
    await second;
  });

  test('wait for each other on the same session', async () => {
    const [one, two] = [await server(), await server()];
    const session = sampleSession();
    await one.transact((tx) => tx.putSession(session));
    const work = (store: Store) =>
      store.transact(async (tx) => {
        await tx.lockSession(session.id);
        const count = Number((await tx.meta('count')) ?? '0');
        await tx.putMeta('count', String(count + 1));
        return tx.insertEvent(sampleEvent({ sessionId: session.id }));
      });
    const seqs = await Promise.all(Array.from({ length: 20 }, (_, index) => work(index % 2 ? one : two)));
    expect(await one.meta('count')).toBe('20');
    expect(new Set(seqs).size).toBe(20);
  });
});

test('a deadlock is done again until both get through', async () => {
  const store = await server();
  await store.transact(async (tx) => {
    await tx.putMeta('a', '0');
    await tx.putMeta('b', '0');
  });
  let tries = 0;
  let both = () => {};
  const bothHold = new Promise<void>((resolve) => {
    both = resolve;
  });
  let holding = 0;
  const crossed = (first: string, second: string) =>
    store.transact(async (tx) => {
      tries++;
      await tx.putMeta(first, '1');
      if (++holding === 2) both();
      await bothHold;
      await tx.putMeta(second, '1');
    });
  await Promise.all([crossed('a', 'b'), crossed('b', 'a')]);
  expect(tries).toBe(3);
});

test('a schema of a newer keruta is refused and left alone', async () => {
  await server();
  const postgres = await raw();
  await postgres.query('INSERT INTO schema_versions VALUES (999, $1, 0)', ['from tomorrow']);
  await expect(server()).rejects.toMatchObject({ code: 'KERUTA_ERR_SCHEMA_NEWER' });
});

test('a database that cannot be reached is refused without showing the password', async () => {
  const url = 'postgres://someone:topsecret@127.0.0.1:1/nothing';
  const opening = openPostgresStore({ url, clock: systemClock, log: silentLog });
  const error = await opening.catch((fault: unknown) => fault);
  expect(error).toMatchObject({ code: 'KERUTA_ERR_STORE_UNAVAILABLE' });
  expect(String(error)).not.toContain('topsecret');
});

test('connections that the server ends are replaced, and work goes on', async () => {
  const store = await server();
  await Promise.all([1, 2, 3].map((n) => store.transact((tx) => tx.putMeta(`m${n}`, 'x'))));
  const woken = heard(store, 'sessions');
  const postgres = await raw();
  await postgres.query(
    'SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE application_name = $1',
    [place.schema],
  );
  // Listening again wakes everybody, because something may have been missed.
  await woken;
  await store.transact((tx) => tx.putMeta('after', 'x'));
  expect(await store.meta('after')).toBe('x');
});
