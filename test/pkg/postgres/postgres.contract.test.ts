import { expect, test } from 'vitest';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { PostgresConnectionError, postgresFaultOf } from '../../../pkg/postgres/errors.ts';
import { openPostgres, type Postgres } from '../../../pkg/postgres/postgres.ts';
import { newSchema, postgresUrl } from './new-schema.ts';

async function withPostgres(use: (postgres: Postgres, schema: string) => Promise<void>) {
  const { schema, remove } = await newSchema();
  const postgres = await openPostgres({ url: postgresUrl(), schema, clock: systemClock, onFault: () => {} });
  try {
    await use(postgres, schema);
  } finally {
    await postgres.close();
    await remove();
  }
}

test('values come back as numbers, bytes and text without U+0000', () =>
  withPostgres(async (postgres) => {
    const bytes = Buffer.from([0, 255, 128, 10]);
    const { rows } = await postgres.query(
      'SELECT 9007199254740991::bigint AS n, $1::bytea AS b, $2::text AS t, count(*) AS c FROM pg_class WHERE false',
      [bytes, 'a\0b'],
    );
    expect(rows).toEqual([{ n: 9007199254740991, b: bytes, t: 'a\uFFFDb', c: 0 }]);
  }));

test('a transaction that throws is undone, and its connection serves again', () =>
  withPostgres(async (postgres) => {
    await postgres.query('CREATE TABLE t (id INT PRIMARY KEY)');
    const failing = postgres.transaction(async (query) => {
      await query('INSERT INTO t VALUES (1)');
      await query('INSERT INTO t VALUES (1)');
    });
    const fault = await failing.catch((error: unknown) => error);
    expect(postgresFaultOf(fault)).toEqual({ code: '23505', constraint: 't_pkey' });
    expect((await postgres.query('SELECT id FROM t')).rows).toEqual([]);
    expect(postgresFaultOf(new Error('another'))).toBeNull();
  }));

test('tables are made in the schema that was named', () =>
  withPostgres(async (postgres, schema) => {
    await postgres.query('CREATE TABLE t (id INT)');
    const { rows } = await postgres.query(`SELECT schemaname FROM pg_tables WHERE tablename = 't'`);
    expect(rows).toContainEqual({ schemaname: schema });
  }));

test('a broken connection to listen on is made anew, and says so', () =>
  withPostgres(async (postgres, channel) => {
    const heard: string[] = [];
    let wake = () => {};
    let begins = 0;
    const event = () => new Promise<void>((resolve) => (wake = resolve));
    const first = event();
    postgres.listen({
      channel,
      onPayload: (payload) => {
        heard.push(payload);
        wake();
      },
      onListening: () => {
        begins++;
        wake();
      },
      onFault: () => {},
    });
    await first;
    const second = event();
    await postgres.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = $1', [
      `LISTEN "${channel}"`,
    ]);
    await second;
    expect(begins).toBe(2);
    const third = event();
    await postgres.query('SELECT pg_notify($1, $2)', [channel, 'hello']);
    await third;
    expect(heard).toEqual(['hello']);
  }));

test('a statement that takes too long is ended by the server', () =>
  withPostgres(async (postgres) => {
    const { rows } = await postgres.query('SHOW statement_timeout');
    expect(rows).toEqual([{ statement_timeout: '6s' }]);
    expect((await postgres.query('SHOW lock_timeout')).rows).toEqual([{ lock_timeout: '3s' }]);
  }));

test('a server that is not there is a connection error', async () => {
  const opening = openPostgres({
    url: 'postgres://nobody@127.0.0.1:1/nothing',
    schema: 'x',
    clock: systemClock,
    onFault: () => {},
  });
  await expect(opening).rejects.toBeInstanceOf(PostgresConnectionError);
});
