import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { blankEntry } from '../../../internal/domain/ledger.ts';
import { sealRows } from '../../../internal/domain/ledger-chain.ts';
import { copiedTables, copyStore } from '../../../internal/store/copy-store.ts';
import { migratePostgresStore, openPostgresStore } from '../../../internal/store/postgres-store.ts';
import { openSqliteStore } from '../../../internal/store/sqlite-store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { openPostgres } from '../../../pkg/postgres/postgres.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';
import {
  sampleArtifact,
  sampleAttempt,
  sampleAudit,
  sampleSession,
  sampleTask,
  sampleToken,
} from './samples.ts';
import { sampleOccurrence, sampleTrigger, sampleWorkflow } from './workflow-samples.ts';

const [clock, log] = [systemClock, silentLog];
let directory = '';
let file = '';
let place: Awaited<ReturnType<typeof newSchema>>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'copy-'));
  file = join(directory, 'a.db');
  place = await newSchema();
});
afterEach(async () => {
  rmSync(directory, { recursive: true });
  await place.remove();
});

const to = () => ({ url: place.url, schema: place.schema, clock, log });
const copy = () => copyStore({ file, to: to(), beside: async () => {} });

/** A store with something of what matters. */
async function fill() {
  const store = await openSqliteStore({ file, clock, log });
  const session = sampleSession({ tags: ['a\0b'] });
  const workflow = sampleWorkflow();
  const trigger = sampleTrigger({ workflowId: workflow.id, cursor: 60_000, nextAt: 120_000 });
  const tasks = Array.from({ length: 250 }, (_, n) =>
    sampleTask({ sessionId: session.id, name: `t${n}`, triggerId: trigger.id }),
  );
  const [first, second] = tasks;
  const open = sampleAttempt({ taskId: first!.id, state: 'claimed', leaseUntil: 1234 });
  const ended = sampleAttempt({ taskId: second!.id, state: 'finished', leaseUntil: null });
  const token = sampleToken({ sessionId: session.id });
  const occurrence = sampleOccurrence({ triggerId: trigger.id, workflowId: workflow.id, key: 'delivery:1' });
  const artifact = sampleArtifact({ taskId: first!.id });
  const audited = sampleAudit({ taskId: first!.id, address: '203.0.113.7' });
  await store.transact(async (tx) => {
    await tx.putSession(session);
    await tx.putWorkflow(workflow);
    await tx.putTrigger(trigger);
    for (const task of tasks) await tx.putTask(task);
    for (const attempt of [open, ended]) await tx.putAttempt(attempt);
    await tx.putToken(token);
    await tx.insertOccurrence(occurrence);
    await tx.putArtifact(artifact);
    await tx.takeFromCounter({ key: 'runs', amount: 7, limit: 10, now: 5 });
    await tx.insertAudit(audited);
    await tx.putMeta('mailbox', '{"lastUid":3}');
    await tx.putMeta('of the task', 'x', { taskId: tasks[0]!.id });
    await tx.insertRemovals(['gone'], 5);
    const entries = [1, 2, 3].map((at) => ({
      ...blankEntry({ id: systemRandom.uuid7(at), at, kind: 'cron_execution', actor: 'system' }),
    }));
    await tx.insertLedger(entries);
    const { head } = await tx.ledgerEnds();
    await tx.sealLedger(sealRows(head, await tx.unsealedLedger(100)));
  });
  return { store, session, trigger, tasks, open, ended, token, occurrence, artifact, audited };
}

test('a copy to PostgreSQL keeps cursors, keys that tell repetitions, limits, tokens and the seals of the ledger', async () => {
  const { store, ...made } = await fill();
  const [ends, rows] = [await store.ledgerEnds(), await store.ledgerRows(0, 9)];
  const session = await store.session(made.session.id);
  await store.close();
  const copied = await copy();
  expect(copied).toMatchObject({
    sessions: 1,
    tasks: 250,
    attempts: 2,
    triggers: 1,
    occurrences: 1,
    ledger: 3,
  });
  const there = await openPostgresStore(to());
  try {
    expect(await there.session(made.session.id)).toEqual(session);
    expect(await there.trigger(made.trigger.id)).toEqual(made.trigger);
    expect(await there.occurrence(made.trigger.id, 'delivery:1')).toEqual(made.occurrence);
    expect(await there.transact((tx) => tx.insertOccurrence({ ...made.occurrence, id: 'other' }))).toBe(
      false,
    );
    const take = (amount: number) =>
      there.transact((tx) => tx.takeFromCounter({ key: 'runs', amount, limit: 10, now: 6 }));
    expect([await take(4), await take(3)]).toEqual([false, true]);
    expect(await there.tokenByHash(made.token.hash)).toEqual(made.token);
    expect(await there.meta('mailbox')).toBe('{"lastUid":3}');
    expect(await there.removals(6, 9)).toEqual(['gone']);
    expect(await there.audit({ limit: 9, offset: 0 })).toEqual([made.audited]);
    expect(await there.ledgerEnds()).toEqual(ends);
    expect(await there.ledgerRows(0, 9)).toEqual(rows);
    const tasks = await there.tasks({ sessionId: made.session.id }, 'newest');
    expect(new Map(tasks.map((task) => [task.id, task]))).toEqual(
      new Map(made.tasks.map((task) => [task.id, task])),
    );
    // the clock of leases is another one: an open lease begins anew
    const { leaseUntil, ...open } = (await there.attempt(made.open.taskId, made.open.number))!;
    expect(open).toEqual((({ leaseUntil: _, ...rest }) => rest)(made.open));
    expect(leaseUntil).toBeGreaterThan(await there.leaseNow());
    expect(await there.attempt(made.ended.taskId, made.ended.number)).toEqual(made.ended);
    // what is known about a task goes with it there, too
    await there.transact((tx) => tx.deleteTask(made.tasks[0]!.id));
    expect(await there.meta('of the task')).toBeNull();
  } finally {
    await there.close();
  }
});

test('a database that holds something is refused and left alone', async () => {
  await (await fill()).store.close();
  await copy();
  let asked = 0;
  const again = copyStore({ file, to: to(), beside: async () => void asked++ });
  await expect(again).rejects.toMatchObject({ code: 'KERUTA_ERR_STORE_NOT_EMPTY', details: { count: 1 } });
  expect(asked).toBe(0);
});

test('a copy that breaks off leaves no row behind, and may be made again', async () => {
  const { store, tasks } = await fill();
  await store.close();
  await migratePostgresStore(to(), 'apply');
  const postgres = await openPostgres({ ...to(), onFault: () => {} });
  try {
    // as if the database failed in the middle
    await postgres.query(`ALTER TABLE artifacts ADD CONSTRAINT no CHECK (size < 0)`);
    await expect(copy()).rejects.toThrow('artifacts');
    expect((await postgres.query('SELECT 1 FROM sessions')).rows).toEqual([]);
    await postgres.query('ALTER TABLE artifacts DROP CONSTRAINT no');
  } finally {
    await postgres.close();
  }
  expect(await copy()).toMatchObject({ tasks: tasks.length, artifacts: 1 });
});

test('a store that a server has is not copied', async () => {
  const { store } = await fill();
  await expect(copy()).rejects.toMatchObject({ code: 'KERUTA_ERR_SERVER_RUNNING' });
  await store.close();
});

test('looking at an empty database makes no schema, and tells every missing step', async () => {
  const steps = await migratePostgresStore(to(), 'look');
  expect(steps).toMatchObject({ have: 0, missing: expect.arrayContaining([{ version: 1, name: 'first' }]) });
  const refusing = openPostgresStore({ ...to(), migration: 'refuse' });
  await expect(refusing).rejects.toMatchObject({ code: 'KERUTA_ERR_SCHEMA_OLDER' });
  const postgres = await openPostgres({ ...to(), makesSchema: false, onFault: () => {} });
  const found = await postgres.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [place.schema]);
  await postgres.close();
  expect(found.rows).toEqual([]);
  expect(await migratePostgresStore(to(), 'apply')).toEqual(steps);
  expect(await migratePostgresStore(to(), 'look')).toMatchObject({ have: steps.known, missing: [] });
  await (await openPostgresStore({ ...to(), migration: 'refuse' })).close();
});

test('every table is copied but the versions of the schema, and the bytes that files hold', async () => {
  await (await openSqliteStore({ file, clock, log })).close();
  const database = new DatabaseSync(file, { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  database.close();
  expect(tables.map(({ name }) => name).sort()).toEqual(
    [...copiedTables, 'schema_versions', 'blob_chunks'].sort(),
  );
});
