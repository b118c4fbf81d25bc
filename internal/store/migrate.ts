import { sql } from 'kysely';
import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import { ConflictError } from '../domain/errors.ts';
import type { Db } from './tables.ts';

/** One step of the schema. Steps are only ever added; a step that was released is never changed. */
export interface Migration {
  /** 1, 2, … without gaps */
  readonly version: number;
  readonly name: string;
  readonly statements: (ddl: Ddl) => readonly string[];
}

/** What the two databases spell differently. */
export interface Ddl {
  /** type of text columns: compared byte by byte in both, so that orders agree */
  readonly text: string;
  /** type of raw bytes */
  readonly bytes: string;
  /** makes the database itself refuse something */
  readonly refuse: (guard: Guard) => readonly string[];
}

/** What is refused, for whoever it is that asks. */
export interface Guard {
  /** unique in the schema */
  readonly name: string;
  readonly what: 'UPDATE' | 'DELETE';
  readonly table: string;
  /** about OLD and, for an update, NEW; in the words that both databases have */
  readonly when: string;
  /** without quotes */
  readonly message: string;
}

/**
 * Brings the schema up to date: every missing step, in order. Doing it again changes nothing.
 *
 * @param parts.db     inside a transaction that nobody else can have open for the same purpose
 * @param parts.place  names the store in messages; no credentials
 * @throws {ConflictError} KERUTA_ERR_SCHEMA_NEWER, before anything is changed
 */
export async function migrate(parts: {
  readonly db: Db;
  readonly ddl: Ddl;
  readonly migrations: readonly Migration[];
  readonly now: number;
  readonly place: string;
}): Promise<void> {
  const { db, ddl, migrations, place } = parts;
  const run = (statement: string) => sql.raw(statement).execute(db);
  await run(
    `CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY, name ${ddl.text} NOT NULL, applied_at BIGINT NOT NULL)`,
  );
  const applied = await db.selectFrom('schema_versions').select('version').orderBy('version').execute();
  const have = applied.at(-1)?.version ?? 0;
  refuseNewer({ have, migrations, place });
  for (const migration of migrations.filter(({ version }) => version > have)) {
    for (const statement of migration.statements(ddl)) {
      await run(statement);
      failpoint('mid_migration');
    }
    await db
      .insertInto('schema_versions')
      .values({ version: migration.version, name: migration.name, applied_at: parts.now })
      .execute();
  }
}

/** Refuses a schema that this program does not know. @throws {ConflictError} KERUTA_ERR_SCHEMA_NEWER */
export function refuseNewer(parts: {
  /** the newest step that was applied; 0 = none */
  readonly have: number;
  readonly migrations: readonly Migration[];
  readonly place: string;
}): void {
  const { have, place } = parts;
  const known = parts.migrations.at(-1)?.version ?? 0;
  if (have <= known) return;
  throw new ConflictError(
    'KERUTA_ERR_SCHEMA_NEWER',
    `${place} has schema version ${have}, written by a newer keruta; this one knows up to ${known}. It was left alone: start the newer keruta, or restore a backup from before`,
    { details: { have, known } },
  );
}
