import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely, sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DatabaseDamagedError } from '../../../pkg/sqlite/errors.ts';
import { openSqlite } from '../../../pkg/sqlite/sqlite.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'examine-'));
  file = join(directory, 'killed/a.db');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** What a process that was killed leaves: the files as they are while it has them open. */
async function killed(rows: number): Promise<void> {
  const alive = join(directory, 'alive/a.db');
  const sqlite = openSqlite({ file: alive });
  const writer = new Kysely<Record<string, never>>({ dialect: sqlite.writer });
  const write = (text: string) => sqlite.transact(() => sql.raw(text).execute(writer));
  await write('CREATE TABLE t (id INTEGER PRIMARY KEY)');
  for (let row = 1; row <= rows; row++) await write(`INSERT INTO t VALUES (${row})`);
  mkdirSync(join(directory, 'killed'));
  for (const end of ['', '-wal', '-shm', '.lock']) copyFileSync(`${alive}${end}`, `${file}${end}`);
  await sqlite.close();
}

async function countRows(): Promise<unknown> {
  const sqlite = openSqlite({ file });
  const reader = new Kysely<Record<string, never>>({ dialect: sqlite.reader });
  const { rows } = await sql`SELECT count(*) AS count FROM t`.execute(reader);
  await sqlite.close();
  return (rows[0] as { count: number }).count;
}

const contents = () => ['', '-wal'].map((end) => readFileSync(`${file}${end}`).toString('base64'));

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(path, bytes);
}

describe('the log of changes of a process that was killed', () => {
  test('is taken over whole', async () => {
    await killed(20);
    expect(await countRows()).toBe(20);
  });

  test.each([
    ['lost its last byte', () => truncateSync(`${file}-wal`, readFileSync(`${file}-wal`).length - 1)],
    ['is empty', () => truncateSync(`${file}-wal`, 0)],
    ['has a byte that changed', () => flip(`${file}-wal`, 32 + 24 + 4096 + 24 + 100)],
  ])('that %s is refused, and database and log are left as they are', async (_what, damage) => {
    await killed(20);
    damage();
    const before = contents();
    expect(() => openSqlite({ file })).toThrow(DatabaseDamagedError);
    expect(() => openSqlite({ file })).toThrow(`${file}-wal`);
    expect(contents()).toEqual(before);
  });

  test('that is gone is refused', async () => {
    await killed(3);
    rmSync(`${file}-wal`);
    expect(() => openSqlite({ file })).toThrow(`${file}-wal is gone`);
  });

  test('is not judged by an index of another time, as a power loss leaves one', async () => {
    await killed(20);
    const index = readFileSync(`${file}-shm`);
    for (const at of [32, 48 + 32]) index.writeUInt8(index.readUInt8(at) ^ 1, at);
    writeFileSync(`${file}-shm`, index);
    expect(await countRows()).toBe(20);
  });

  test('bytes behind its committed end are nobody’s', async () => {
    await killed(5);
    writeFileSync(`${file}-wal`, Buffer.alloc(2000, 7), { flag: 'a' });
    expect(await countRows()).toBe(5);
  });
});

describe('a database file', () => {
  test.each([
    ['empty', () => writeFileSync(file, '')],
    ['gone', () => rmSync(file)],
  ])('that is %s after one was kept in it is not made anew', async (_what, damage) => {
    await killed(3);
    for (const end of ['-wal', '-shm']) rmSync(`${file}${end}`);
    damage();
    expect(() => openSqlite({ file })).toThrow('a database was kept in it');
    rmSync(`${file}.lock`);
    await openSqlite({ file }).close();
  });

  test('is looked at by the caller before anything of it changes', async () => {
    await killed(3);
    const before = contents();
    const seen: unknown[] = [];
    const refuse = () =>
      openSqlite({
        file,
        examine: (ask) => {
          seen.push(...ask('SELECT count(*) AS count FROM t'));
          throw new Error('not this one');
        },
      });
    expect(refuse).toThrow('not this one');
    expect(seen).toEqual([{ count: 3 }]);
    expect(contents()).toEqual(before);
  });
});
