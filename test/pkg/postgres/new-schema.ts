import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { openPostgres } from '../../../pkg/postgres/postgres.ts';
import { systemRandom } from '../../../pkg/random/random.ts';

/** The PostgreSQL that the tests may use; fails when KERUTA_TEST_POSTGRES_URL is not set. */
export function postgresUrl(): string {
  const url = process.env.KERUTA_TEST_POSTGRES_URL;
  if (!url) throw new Error('set KERUTA_TEST_POSTGRES_URL to a PostgreSQL that tests may write to');
  return url;
}

/** The same database, with limits of time that no busy machine reaches. */
function patient(url: string): string {
  const it = new URL(url);
  for (const name of ['lock_timeout', 'statement_timeout', 'query_timeout'])
    it.searchParams.set(name, '50000');
  return it.href;
}

/**
 * A schema of its own for one test; it is made by whoever opens it first. Tests that wait for each other on a busy machine are
 * not refused; what keruta's own limits are is seen at `postgresUrl`.
 */
export async function newSchema() {
  const url = patient(postgresUrl());
  const schema = `test_${systemRandom.uuid4().replaceAll('-', '')}`;
  const remove = async () => {
    const postgres = await openPostgres({ url, schema, clock: systemClock, onFault: () => {} });
    await postgres.query(`DROP SCHEMA "${schema}" CASCADE`);
    await postgres.close();
  };
  return { url, schema, remove };
}
