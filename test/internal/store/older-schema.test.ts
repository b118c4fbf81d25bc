import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sqliteDdl } from '../../../internal/store/ddl.ts';
import { migrate } from '../../../internal/store/migrate.ts';
import { migrations } from '../../../internal/store/migrations/migrations.ts';
import { lookAtSqliteStore, openSqliteStore } from '../../../internal/store/sqlite-store.ts';
import type { Tables } from '../../../internal/store/tables.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { openSqlite } from '../../../pkg/sqlite/sqlite.ts';

let directory = '';
let file = '';
const known = migrations.length;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'store-'));
  file = join(directory, 'a.db');
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = (migration: 'apply' | 'refuse') =>
  openSqliteStore({ file, clock: systemClock, log: silentLog, migration });

/** Makes a store as an older keruta left it. */
async function makeOlder(steps: number): Promise<void> {
  const sqlite = openSqlite({ file });
  const db = new Kysely<Tables>({ dialect: sqlite.writer });
  const older = { ddl: sqliteDdl, migrations: migrations.slice(0, steps), now: 1, place: 'it' };
  await sqlite.transact(() => migrate({ db, ...older }));
  await sqlite.close();
}

test('a store that is not there lacks every step, and looking makes nothing', () => {
  expect(lookAtSqliteStore(file)).toMatchObject({ have: 0, known });
  expect(lookAtSqliteStore(file).missing.map(({ version }) => version)).toEqual(
    migrations.map(({ version }) => version),
  );
  expect(readdirSync(directory)).toEqual([]);
});

test('an older store is told of by its missing steps, and stays as it is until it is migrated', async () => {
  await makeOlder(known - 1);
  const last = migrations.at(-1);
  const expected = { have: known - 1, known, missing: [{ version: last?.version, name: last?.name }] };
  expect(lookAtSqliteStore(file)).toEqual(expected);
  expect(lookAtSqliteStore(file)).toEqual(expected);
  await (await open('apply')).close();
  expect(lookAtSqliteStore(file)).toEqual({ have: known, known, missing: [] });
});

test('the audit of an older store stays as it is, without addresses', async () => {
  await makeOlder(8);
  const sqlite = openSqlite({ file });
  const db = new Kysely<Tables>({ dialect: sqlite.writer });
  const row = { id: 'a', at: 1, actor: 'system', action: 'task.submit', session_id: 's', task_id: null };
  const values = { ...row, details: '{"n":1}' } as never;
  await sqlite.transact(() => db.insertInto('audit').values(values).execute());
  await sqlite.close();
  const store = await open('apply');
  const [entry] = await store.audit({ limit: 9, offset: 0 });
  await store.close();
  expect(entry).toEqual({
    ...{ id: 'a', at: 1, actor: 'system', address: null, action: 'task.submit' },
    ...{ sessionId: 's', taskId: null, details: { n: 1 } },
  });
});

test('a server that is not to migrate refuses an older store, and opens one that lacks nothing', async () => {
  await makeOlder(known - 1);
  await expect(open('refuse')).rejects.toMatchObject({
    code: 'KERUTA_ERR_SCHEMA_OLDER',
    message: expect.stringContaining('keruta db migrate'),
    details: { have: known - 1, known },
  });
  expect(lookAtSqliteStore(file).have).toBe(known - 1);
  await (await open('apply')).close();
  await (await open('refuse')).close();
});

test('a server that is not to migrate makes no store', async () => {
  await expect(open('refuse')).rejects.toMatchObject({ code: 'KERUTA_ERR_SCHEMA_OLDER' });
  expect(existsSync(file)).toBe(false);
  await (await open('apply')).close();
});

test('a store that a server has is not looked at', async () => {
  const store = await open('apply');
  expect(() => lookAtSqliteStore(file)).toThrowError(
    expect.objectContaining({ code: 'KERUTA_ERR_SERVER_RUNNING' }),
  );
  await store.close();
});
