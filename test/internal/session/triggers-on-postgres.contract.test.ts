/**
 * The rules of triggers, of trying again and of what follows an end once more: what `*.test.ts` says of them on SQLite, on
 * PostgreSQL with the clock of the test in place of the database's.
 */
import { afterAll, beforeAll } from 'vitest';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import type { Store } from '../../../internal/store/store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { openPostgres, type Postgres } from '../../../pkg/postgres/postgres.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';
import { restIn } from './claims-world.ts';

let place: Awaited<ReturnType<typeof newSchema>>;
let store: Store;
let raw: Postgres;
let emptying = '';

beforeAll(async () => {
  place = await newSchema();
  const { url, schema } = place;
  store = await openPostgresStore({ url, schema, clock: systemClock, log: silentLog });
  raw = await openPostgres({ url, schema, clock: systemClock, onFault: () => {} });
  // what a new store holds stays; rows of the ledger are guarded by triggers
  const { rows } = await raw.query<{ deletes: string }>(
    `SELECT string_agg(format('DELETE FROM %I', tablename), '; ') AS deletes FROM pg_tables
     WHERE schemaname = $1 AND tablename NOT IN ('schema_versions', 'ledger_ends')`,
    [schema],
  );
  emptying = `BEGIN; SET LOCAL session_replication_role = replica; ${rows[0]?.deletes}; COMMIT`;
});
afterAll(async () => {
  await store.close();
  await raw.close();
  await place.remove();
});

// a schema for each world would take ten times as long
restIn(async (clock) => {
  await raw.query(emptying);
  return {
    ...store,
    now: async () => clock.now(),
    leaseNow: async () => clock.monotonicMs(),
    close: async () => {},
  };
});

await import('./triggers.test.ts');
await import('./decide-plain.test.ts');
await import('./rest-after-end.test.ts');
await import('./backfill.test.ts');
await import('./confirm.test.ts');
await import('./holds.test.ts');
await import('./trigger-status.test.ts');
await import('./retry-rule.test.ts');
await import('./follow-end.test.ts');
await import('./redrive.test.ts');
