/** Brings where a server's state rests up to date, without a server. */
import { existsSync } from 'node:fs';
import type { CopiedBlobs } from '../../../internal/blob/copy-blobs.ts';
import type { CopiedRows } from '../../../internal/store/copy-store.ts';
import type { SchemaSteps } from '../../../internal/store/migrate.ts';
import { blobDirectory, openState, type StateOptions, storeFile } from './open-state.ts';

/** Where the state is. */
export type StatePlace = Omit<StateOptions, 'migrates'>;

/**
 * Does the missing steps of the schema, or only tells of them.
 * @returns how it stood before, and its name for people; no credentials
 * @throws as openState
 */
export async function migrateState(
  place: StatePlace,
  mode: 'apply' | 'look',
): Promise<{ readonly name: string; readonly steps: SchemaSteps }> {
  const { dataDir, databaseUrl, clock, log } = place;
  if (databaseUrl !== null) {
    const { migratePostgresStore } = await import('../../../internal/store/postgres-store.ts');
    const steps = await migratePostgresStore({ url: databaseUrl, clock, log }, mode);
    return { name: 'the database', steps };
  }
  const file = storeFile(dataDir);
  const { lookAtSqliteStore } = await import('../../../internal/store/sqlite-store.ts');
  const steps = lookAtSqliteStore(file);
  if (mode === 'apply' && steps.missing.length > 0)
    await (await openState({ ...place, migrates: true })).close();
  return { name: `the store ${file}`, steps };
}

/**
 * Copies everything of a data directory to an empty database. Files go first: rows never point to what is not there.
 * @throws as copyStore
 */
export async function copyState(
  place: StatePlace,
  url: string,
): Promise<{ readonly rows: CopiedRows; readonly blobs: CopiedBlobs }> {
  const { dataDir, clock, log } = place;
  await migrateState(place, 'apply');
  const { copyStore } = await import('../../../internal/store/copy-store.ts');
  const to = { url, clock, log };
  let blobs: CopiedBlobs = { blobs: 0, bytes: 0 };
  const rows = await copyStore({
    file: storeFile(dataDir),
    to,
    beside: async () => {
      blobs = await copyFiles();
    },
  });
  return { rows, blobs };

  async function copyFiles(): Promise<CopiedBlobs> {
    const directory = blobDirectory(dataDir);
    if (!existsSync(directory)) return blobs;
    const { copyBlobs } = await import('../../../internal/blob/copy-blobs.ts');
    const { fileBlobKeys } = await import('../../../internal/blob/file-blob-keys.ts');
    const { openFileBlobStore } = await import('../../../internal/blob/file-blob-store.ts');
    const { openPostgresBlobStore } = await import('../../../internal/blob/postgres-blob-store.ts');
    const [from, target] = [openFileBlobStore({ directory, log }), await openPostgresBlobStore(to)];
    try {
      return await copyBlobs({ from, to: target, keys: fileBlobKeys(directory) });
    } finally {
      await target.close();
      await from.close();
    }
  }
}
