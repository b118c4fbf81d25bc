import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Kysely, sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DatabaseDamagedError, DatabaseInUseError, sqliteCodeOf } from '../../../pkg/sqlite/errors.ts';
import { openSqlite, type Sqlite } from '../../../pkg/sqlite/sqlite.ts';

let directory: string;
let file: string;
const open: Sqlite[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sqlite-'));
  file = join(directory, 'sub', 'a.db');
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  rmSync(directory, { recursive: true });
});

function opened(options: Partial<Parameters<typeof openSqlite>[0]> = {}) {
  const sqlite = openSqlite({ file, ...options });
  open.push(sqlite);
  const writer = new Kysely<{ t: { id: number; text: string } }>({ dialect: sqlite.writer });
  const reader = new Kysely<{ t: { id: number; text: string } }>({ dialect: sqlite.reader });
  const write = (statement: string) => sqlite.transact(() => sql.raw(statement).execute(writer));
  return { sqlite, reader, writer, write };
}

async function withTable(options: Parameters<typeof opened>[0] = {}) {
  const all = opened(options);
  await all.write('CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)');
  return all;
}

describe('a database file', () => {
  test('is made for its owner only, flushed at every commit', async () => {
    const { write, reader, writer, sqlite } = await withTable();
    for (const name of readdirSync(dirname(file)).filter((one) => one.startsWith(basename(file)))) {
      expect([name, statSync(join(dirname(file), name)).mode & 0o777]).toEqual([name, 0o600]);
    }
    await write("INSERT INTO t VALUES (1, 'a')");
    expect(await reader.selectFrom('t').selectAll().execute()).toEqual([{ id: 1, text: 'a' }]);
    const pragma = (name: string) => sqlite.transact(() => sql.raw(`PRAGMA ${name}`).execute(writer));
    expect((await pragma('synchronous')).rows).toEqual([{ synchronous: 2 }]);
    expect((await pragma('journal_mode')).rows).toEqual([{ journal_mode: 'wal' }]);
    expect((await pragma('foreign_keys')).rows).toEqual([{ foreign_keys: 1 }]);
  });

  test('that another part holds is refused at once, and free after it was closed', async () => {
    const { sqlite } = opened();
    expect(() => openSqlite({ file })).toThrow(DatabaseInUseError);
    await sqlite.close();
    opened();
  });

  test('that another process holds is refused, and free as soon as that was killed, with all it said it wrote', async () => {
    const door = join(import.meta.dirname, '../../../pkg/sqlite/sqlite.ts');
    const code = `import { Kysely, sql } from 'kysely';
      import { openSqlite } from ${JSON.stringify(door)};
      const sqlite = openSqlite({ file: ${JSON.stringify(file)} });
      const writer = new Kysely({ dialect: sqlite.writer });
      const write = (text) => sqlite.transact(() => sql.raw(text).execute(writer));
      await write('CREATE TABLE t (id INTEGER PRIMARY KEY)');
      for (let id = 1; ; id++) {
        await write('INSERT INTO t VALUES (' + id + ')');
        console.log(id);
      }`;
    const child = spawn(process.execPath, ['--no-warnings', '--input-type=module-typescript', '-e', code]);
    let said = '';
    child.stdout.on('data', (text: Buffer) => {
      said += text.toString();
    });
    try {
      await once(child.stdout, 'data');
      expect(() => openSqlite({ file })).toThrow(DatabaseInUseError);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    const acknowledged = said.trimEnd().split('\n').length;
    const { id } = await opened()
      .reader.selectFrom('t')
      .select((eb) => eb.fn.max('id').as('id'))
      .executeTakeFirstOrThrow();
    expect(id).toBeGreaterThanOrEqual(acknowledged);
  });

  test('that is no database is refused and left as it is', () => {
    opened();
    const other = join(directory, 'text');
    writeFileSync(other, 'this is text, and rather more of it than a header is long\n'.repeat(99));
    expect(() => openSqlite({ file: other })).toThrow(DatabaseDamagedError);
    expect(readFileSync(other, 'utf8')).toMatch(/^this is text/);
  });

  test('that lost its end is refused', async () => {
    const { write, sqlite } = await withTable();
    await write(
      'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO t SELECT i, hex(zeroblob(900)) FROM n',
    );
    await sqlite.close();
    truncateSync(file, 3 * 4096);
    expect(() => openSqlite({ file })).toThrow(DatabaseDamagedError);
    expect(statSync(file).size).toBe(3 * 4096);
  });
});

describe('a group of transactions', () => {
  test('runs them one after another, in the order of the calls', async () => {
    const { sqlite } = await withTable();
    const order: string[] = [];
    await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        sqlite.transact(async () => {
          order.push(`${name} begins`);
          await null;
          order.push(`${name} ends`);
        }),
      ),
    );
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  test('is not visible to readers before its commit', async () => {
    const { sqlite, reader, writer } = await withTable();
    await Promise.all([
      sqlite.transact(() => sql`INSERT INTO t VALUES (1, 'a')`.execute(writer)),
      sqlite.transact(async () => {
        expect(await reader.selectFrom('t').selectAll().execute()).toEqual([]);
        expect(await writer.selectFrom('t').select('id').execute()).toEqual([{ id: 1 }]);
      }),
    ]);
    expect(await reader.selectFrom('t').select('id').execute()).toEqual([{ id: 1 }]);
  });

  test('takes hundreds at once', async () => {
    const { sqlite, reader, writer } = await withTable();
    await Promise.all(
      Array.from({ length: 320 }, (_, id) =>
        sqlite.transact(() => writer.insertInto('t').values({ id, text: 'x' }).execute()),
      ),
    );
    const { count } = await reader
      .selectFrom('t')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    expect(count).toBe(320);
  });

  test('survives a full disk: who was not written is told so, and later writing succeeds', async () => {
    const { sqlite, reader, writer, write } = await withTable();
    await sqlite.transact(() => sql`PRAGMA max_page_count = 20`.execute(writer));
    const insert = (id: number, bytes: number) =>
      sqlite.transact(() =>
        writer
          .insertInto('t')
          .values({ id, text: 'x'.repeat(bytes) })
          .execute(),
      );
    const all = await Promise.allSettled([insert(1, 10), insert(2, 500_000), insert(3, 10)]);
    expect(all[1]).toMatchObject({ status: 'rejected' });
    expect(sqliteCodeOf((all[1] as PromiseRejectedResult).reason)?.primary).toBe(13);
    const written = all.flatMap((one, index) => (one.status === 'fulfilled' ? [index + 1] : []));
    const rows = await reader.selectFrom('t').select('id').execute();
    expect(rows.map((row) => row.id)).toEqual(written);
    await write("INSERT INTO t VALUES (4, 'small')");
  });

  test('that is alone does not wait for company', async () => {
    const { write } = await withTable();
    let turns = 0;
    const count = () => {
      turns++;
      if (turns < 1000) setImmediate(count);
    };
    setImmediate(count);
    await write("INSERT INTO t VALUES (1, 'a')");
    expect(turns).toBeLessThan(10);
  });
});

describe('a statement', () => {
  test('outside a transaction is refused on the writer', async () => {
    const { writer } = await withTable();
    await expect(writer.selectFrom('t').selectAll().execute()).rejects.toThrow('has ended');
    await expect(writer.transaction().execute(async () => {})).rejects.toThrow('Sqlite.transact');
  });

  test('that writes is refused on the reader', async () => {
    const { reader } = await withTable();
    await expect(reader.insertInto('t').values({ id: 1, text: 'a' }).execute()).rejects.toThrow('readonly');
  });

  test('has its errors mapped by the caller', async () => {
    const { write } = await withTable({ mapError: (error) => new Error('mapped', { cause: error }) });
    await expect(write('SELECT nothing FROM nowhere')).rejects.toThrow('mapped');
  });

  test('may be one of more than the connection keeps prepared', async () => {
    const { reader } = await withTable();
    for (let index = 0; index < 450; index++) {
      const { rows } = await sql.raw(`SELECT ${index} AS n`).execute(reader);
      expect(rows).toEqual([{ n: index }]);
    }
  });
});

test('a closed database takes no more transactions, after it did those that it had taken', async () => {
  const { sqlite, write } = await withTable();
  const last = write("INSERT INTO t VALUES (1, 'a')");
  await sqlite.close();
  await expect(last).resolves.toBeDefined();
  await expect(write("INSERT INTO t VALUES (2, 'a')")).rejects.toThrow('closed');
  await sqlite.close();
});
