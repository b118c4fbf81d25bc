import { expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { openPostgres } from '../../../pkg/postgres/postgres.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';
import { mintOfEachKind } from './minted-tokens.ts';
import { startServer } from './start-server.ts';

test('S-02: no row of a store on PostgreSQL has a token', async () => {
  const { url, schema, remove } = await newSchema();
  onTestFinished(remove);
  const store = await openPostgresStore({ url, schema, clock: systemClock, log: silentLog });
  onTestFinished(() => store.close());
  const server = await startServer({ parts: { store } });
  onTestFinished(() => server.close());
  const { secrets, hashes } = await mintOfEachKind(server);

  const postgres = await openPostgres({ url, schema, clock: systemClock, onFault: () => {} });
  onTestFinished(() => postgres.close());
  const tables = (await postgres.query('SELECT tablename FROM pg_tables WHERE schemaname = $1', [schema]))
    .rows;
  expect(tables.length).toBeGreaterThan(20);
  const rows: string[] = [];
  for (const { tablename } of tables as { tablename: string }[]) {
    const { rows: some } = await postgres.query(`SELECT t::text AS row FROM "${schema}"."${tablename}" t`);
    rows.push(...(some as { row: string }[]).map(({ row }) => row));
  }
  const all = rows.join('\n');
  for (const hash of hashes) expect(all).toContain(hash);
  expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
});
