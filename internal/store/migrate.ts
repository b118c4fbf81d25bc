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
  /** asks for the names of all tables that there are */
  readonly tables: string;
}

/** How a schema stands. */
export interface SchemaSteps {
  /** the newest step that was applied; 0 = there is no schema */
  readonly have: number;
  /** the newest step that this program knows */
  readonly known: number;
  /** steps that are not applied, in order */
  readonly missing: readonly { readonly version: number; readonly name: string }[];
}

/** What becomes of steps that are missing: they are done; they are a reason to refuse the store; nothing. */
export type MigrationMode = 'apply' | 'refuse' | 'look';

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
 * @param parts.mode   default `apply`; with the others nothing is changed
 * @returns how it stood before
 * @throws {ConflictError} KERUTA_ERR_SCHEMA_NEWER, KERUTA_ERR_SCHEMA_OLDER, before anything is changed
 */
export async function migrate(parts: {
  readonly db: Db;
  readonly ddl: Ddl;
  readonly migrations: readonly Migration[];
  readonly now: number;
  readonly place: string;
  readonly mode?: MigrationMode;
}): Promise<SchemaSteps> {
  const { db, ddl, migrations, place, mode = 'apply' } = parts;
  const run = (statement: string) => sql.raw(statement).execute(db);
  const steps = stepsFrom({ have: await versionOf(db, ddl), migrations, place });
  if (mode === 'refuse') refuseOlder(steps, place);
  if (mode !== 'apply' || steps.missing.length === 0) return steps;
  await run(
    `CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY, name ${ddl.text} NOT NULL, applied_at BIGINT NOT NULL)`,
  );
  for (const migration of migrations.filter(({ version }) => version > steps.have)) {
    for (const statement of migration.statements(ddl)) {
      await run(statement);
      failpoint('mid_migration');
    }
    await db
      .insertInto('schema_versions')
      .values({ version: migration.version, name: migration.name, applied_at: parts.now })
      .execute();
  }
  return steps;
}

async function versionOf(db: Db, ddl: Ddl): Promise<number> {
  const { rows } = await sql.raw<{ readonly name: string }>(ddl.tables).execute(db);
  if (!rows.some(({ name }) => name === 'schema_versions')) return 0;
  const last = db.selectFrom('schema_versions').select((eb) => eb.fn.max('version').as('version'));
  return (await last.executeTakeFirst())?.version ?? 0;
}

/**
 * Tells what a schema lacks.
 * @param parts.have  the newest step that was applied; 0 = none
 * @throws {ConflictError} KERUTA_ERR_SCHEMA_NEWER: it has steps that this program does not know
 */
export function stepsFrom(parts: {
  readonly have: number;
  readonly migrations: readonly Migration[];
  readonly place: string;
}): SchemaSteps {
  const { have, migrations, place } = parts;
  const known = migrations.at(-1)?.version ?? 0;
  const missing = migrations.filter(({ version }) => version > have);
  if (have <= known) return { have, known, missing: missing.map(({ version, name }) => ({ version, name })) };
  throw new ConflictError(
    'KERUTA_ERR_SCHEMA_NEWER',
    `${place} has schema version ${have}, written by a newer keruta; this one knows up to ${known}. It was left alone: start the newer keruta, or restore a backup from before`,
    { details: { have, known } },
  );
}

/** Refuses a schema that lacks steps. @throws {ConflictError} KERUTA_ERR_SCHEMA_OLDER */
export function refuseOlder({ have, known, missing }: SchemaSteps, place: string): void {
  if (missing.length === 0) return;
  throw new ConflictError(
    'KERUTA_ERR_SCHEMA_OLDER',
    `${place} has schema version ${have}, this keruta needs ${known}, and it is not to migrate by itself (KERUTA_AUTO_MIGRATE is off): run keruta db migrate, or turn it on`,
    { details: { have, known } },
  );
}
