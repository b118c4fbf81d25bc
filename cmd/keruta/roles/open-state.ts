/** Opens where a server's state rests: SQLite and files, or PostgreSQL. */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { BlobStore } from '../../../internal/blob/blob.ts';
import { ConflictError } from '../../../internal/domain/errors.ts';
import type { Store } from '../../../internal/store/store.ts';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Log } from '../../../pkg/log/log.ts';

/** What is to be opened. */
export interface StateOptions {
  /** absolute; made (0700) when it is not there */
  readonly dataDir: string;
  /** null = SQLite in the data directory */
  readonly databaseUrl: string | null;
  readonly uid: number;
  /** whether missing steps of the schema are done; else they are a reason to refuse it */
  readonly migrates: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** An open state. */
export interface OpenState {
  readonly store: Store;
  readonly blob: BlobStore;
  close(): Promise<void>;
}

/** The database of a data directory. */
export const storeFile = (dataDir: string) => join(dataDir, 'keruta.db');
/** Where a data directory has the bytes of streams and artifacts. */
export const blobDirectory = (dataDir: string) => join(dataDir, 'blobs');

/**
 * Opens store and blobs.
 * @throws {ConflictError} KERUTA_ERR_DIRECTORY, KERUTA_ERR_STORE_DAMAGED, and what the adapters throw
 */
export async function openState(options: StateOptions): Promise<OpenState> {
  const { dataDir, clock, log } = options;
  const migration = options.migrates ? 'apply' : 'refuse';
  ownDataDirectory(dataDir, options.uid);
  const { store, blob } =
    options.databaseUrl === null ? await openLocal() : await openShared(options.databaseUrl);
  return {
    store,
    blob,
    close: async () => {
      await blob.close();
      await store.close();
    },
  };

  async function openLocal() {
    const { openSqliteStore } = await import('../../../internal/store/sqlite-store.ts');
    const { openFileBlobStore } = await import('../../../internal/blob/file-blob-store.ts');
    const file = storeFile(dataDir);
    refuseLostStore(dataDir, file);
    const opened = await openSqliteStore({ file, clock, log, migration });
    return { store: opened, blob: openFileBlobStore({ directory: blobDirectory(dataDir), log }) };
  }

  async function openShared(url: string) {
    const { openPostgresStore } = await import('../../../internal/store/postgres-store.ts');
    const { openPostgresBlobStore } = await import('../../../internal/blob/postgres-blob-store.ts');
    const opened = await openPostgresStore({ url, clock, log, migration });
    return { store: opened, blob: await openPostgresBlobStore({ url, clock, log }) };
  }
}

/** A server that was at work here had a database: a new one in its place would hide that everything is gone. */
function refuseLostStore(dataDir: string, file: string): void {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  const blobs = blobDirectory(dataDir);
  if (!existsSync(blobs) || readdirSync(blobs).length === 0) return;
  throw new ConflictError(
    'KERUTA_ERR_STORE_DAMAGED',
    `the store ${file} is ${existsSync(file) ? 'empty' : 'not there'}, but ${blobs} holds what belongs to one: restore it from a backup, or move ${dataDir} away to begin anew`,
  );
}

/** Makes a data directory when it is not there, and sees that it is one's own. @throws {ConflictError} KERUTA_ERR_DIRECTORY */
export function ownDataDirectory(path: string, uid: number): void {
  try {
    const firstMade = mkdirSync(path, { recursive: true, mode: 0o700 });
    if (firstMade !== undefined) flushNames(path, firstMade);
    const found = lstatSync(path);
    const fault = !found.isDirectory()
      ? 'is a link or no directory'
      : found.uid !== uid
        ? `belongs to user ${found.uid}`
        : null;
    if (fault !== null) {
      throw new ConflictError(
        'KERUTA_ERR_DIRECTORY',
        `the data directory ${path} ${fault}; expected one of your own. Name another by --data-dir`,
      );
    }
    chmodSync(path, 0o700);
  } catch (cause) {
    if (cause instanceof ConflictError) throw cause;
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new ConflictError('KERUTA_ERR_DIRECTORY', `the data directory ${path} cannot be made: ${why}`, {
      cause,
    });
  }
}

/** A power loss must not take the directory away from what is acknowledged in it: flushes its name, and those above. */
function flushNames(path: string, firstMade: string): void {
  for (let made = path; ; made = dirname(made)) {
    const parent = openSync(dirname(made), 'r');
    try {
      fsyncSync(parent);
    } finally {
      closeSync(parent);
    }
    if (made === firstMade) return;
  }
}
