import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mapSqliteError } from '../../../internal/store/sqlite-errors.ts';
import { openSqliteStore } from '../../../internal/store/sqlite-store.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { openSqlite } from '../../../pkg/sqlite/sqlite.ts';
import { sampleAttempt, sampleSession, sampleTask } from './samples.ts';

let directory: string;
let file: string;
const clock = new TestClock();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'store-'));
  file = join(directory, 'a.db');
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = (path = file) => openSqliteStore({ file: path, clock, log: silentLog });

describe('the file of a store', () => {
  test('belongs to one server at a time', async () => {
    const store = await open();
    await expect(open()).rejects.toMatchObject({ code: 'KERUTA_ERR_SERVER_RUNNING' });
    await store.close();
    await (await open()).close();
  });

  test('that is no database is refused by name and left as it is', async () => {
    writeFileSync(file, 'not a database at all, '.repeat(300));
    const before = readFileSync(file);
    await expect(open()).rejects.toMatchObject({
      code: 'KERUTA_ERR_STORE_DAMAGED',
      message: expect.stringContaining(file),
    });
    expect(readFileSync(file)).toEqual(before);
  });

  test('of a newer keruta is refused and left alone', async () => {
    await (await open()).close();
    const sqlite = openSqlite({ file });
    await sqlite.close();
    const { DatabaseSync } = await import('node:sqlite');
    const raw = new DatabaseSync(file);
    raw.exec("INSERT INTO schema_versions VALUES (999, 'from tomorrow', 0)");
    raw.close();
    await expect(open()).rejects.toMatchObject({
      code: 'KERUTA_ERR_SCHEMA_NEWER',
      details: { have: 999 },
    });
    await expect(open()).rejects.toMatchObject({ code: 'KERUTA_ERR_SCHEMA_NEWER' });
  });

  test('in a place that cannot be is refused', async () => {
    writeFileSync(join(directory, 'plain'), '');
    await expect(open(join(directory, 'plain', 'a.db'))).rejects.toMatchObject({
      code: 'KERUTA_ERR_STORE_UNAVAILABLE',
    });
  });
});

test('a store in memory is empty every time', async () => {
  const [one, two] = [await open(':memory:'), await open(':memory:')];
  await one.transact((tx) => tx.putMeta('a', 'b'));
  expect(await one.meta('a')).toBe('b');
  expect(await two.meta('a')).toBeNull();
  await one.close();
  await two.close();
});

test('time is the clock of the process; lease time is monotonic and begins one lease before the last end', async () => {
  const store = await open();
  expect(await store.now()).toBe(clock.now());
  expect(await store.leaseNow()).toBe(0);
  clock.advance(1500);
  clock.jump(-1_000_000);
  expect(await store.leaseNow()).toBe(1500);
  const session = sampleSession();
  const task = sampleTask({ sessionId: session.id });
  await store.transact(async (tx) => {
    await tx.putSession(session);
    await tx.putTask(task);
    await tx.putAttempt(sampleAttempt({ taskId: task.id, leaseUntil: 100_000 }));
  });
  await store.close();
  const again = await open();
  expect(await again.leaseNow()).toBe(55_000);
  await again.close();
});

test('a listener that throws is logged and stops nobody', async () => {
  const logged: unknown[] = [];
  const log = { ...silentLog, error: (message: string) => void logged.push(message) };
  const store = await openSqliteStore({ file: ':memory:', clock, log });
  let called = 0;
  store.subscribe('sessions', () => {
    throw new Error('no');
  });
  store.subscribe('sessions', () => void called++);
  store.notify('sessions');
  expect([called, logged]).toEqual([1, ['a listener threw']]);
  await store.close();
});

describe('what SQLite says', () => {
  const sqliteError = (errcode: number, message = 'm') => Object.assign(new Error(message), { errcode });
  test.each([
    [13, 'KERUTA_ERR_DISK_FULL'],
    [5, 'KERUTA_ERR_STORE_UNAVAILABLE'],
    [8, 'KERUTA_ERR_STORE_UNAVAILABLE'],
    [10 | (3 << 8), 'KERUTA_ERR_STORE_UNAVAILABLE'],
    [11, 'KERUTA_ERR_STORE_DAMAGED'],
    [26, 'KERUTA_ERR_STORE_DAMAGED'],
  ])('code %i becomes %s', (errcode, code) => {
    expect(mapSqliteError(sqliteError(errcode), 'f')).toMatchObject({ code });
  });

  test('about the file system becomes an error of ours, and a bug stays a bug', () => {
    const full = Object.assign(new Error('m'), { code: 'ENOSPC' });
    const denied = Object.assign(new Error('m'), { code: 'EACCES' });
    expect(mapSqliteError(full, 'f')).toMatchObject({ code: 'KERUTA_ERR_DISK_FULL' });
    expect(mapSqliteError(denied, 'f')).toMatchObject({ code: 'KERUTA_ERR_STORE_UNAVAILABLE' });
    for (const bug of [new TypeError('x'), sqliteError(1), sqliteError(2067, 'UNIQUE: a.b'), 'text'])
      expect(mapSqliteError(bug, 'f')).toBe(bug);
  });
});
