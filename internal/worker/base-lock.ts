import { linkSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonFile, writeJsonFile } from '../../pkg/files/json-file.ts';
import { identityOf, isAlive, type ProcessIdentity } from '../../pkg/process/process-identity.ts';
import { ConflictError } from '../domain/errors.ts';

/**
 * Takes the lock of a base directory, so that two agents never share one. The lock is a file that names its holder by
 * pid, start time and boot; one whose holder is gone is replaced. Nothing is ever signalled.
 *
 * @param pid  of the process that holds it
 * @returns lets go of it
 * @throws {ConflictError} KERUTA_ERR_AGENT_RUNNING, naming the holder
 */
export function lockBase(directory: string, pid: number): () => void {
  const file = join(directory, 'agent.lock');
  const mine = join(directory, `agent.lock.${pid}`);
  const identity = identityOf(pid) ?? { pid, startTicks: null, bootId: '' };
  try {
    writeJsonFile(mine, identity);
    for (let round = 0; round < 10; round++) {
      // a link fails when the name exists: whoever makes it holds the lock, with its content already whole
      if (tryLink(mine, file)) return () => release(file, identity);
      const holder = readHolder(file);
      if (holder !== null && isAlive(holder) && !isSame(holder, identity)) throw running(directory, holder);
      removeStale(file, holder, `${mine}.stale`);
    }
    throw running(directory, readHolder(file));
  } finally {
    rmSync(mine, { force: true });
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves a stale lock away; when somebody replaced it in between, theirs is put back. */
function removeStale(file: string, holder: ProcessIdentity | null, aside: string): void {
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  const moved = readHolder(aside);
  if (moved !== null && (holder === null || !isSame(moved, holder))) tryLink(aside, file);
  rmSync(aside, { force: true });
}

function release(file: string, identity: ProcessIdentity): void {
  const holder = readHolder(file);
  if (holder === null || !isSame(holder, identity)) return;
  try {
    rmSync(file, { force: true });
  } catch {
    // the file system takes nothing any more: the lock of a process that is gone is replaced
  }
}

function isSame(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks && a.bootId === b.bootId;
}

/** Whether a process holds the lock of a base directory: it may have been deleted, and taken by somebody else since. */
export function holdsBase(directory: string, pid: number): boolean {
  const [holder, identity] = [baseHolder(directory), identityOf(pid)];
  return holder !== null && holder.pid === pid && (identity === null || isSame(holder, identity));
}

/** Who holds a base directory, or held it last: whether that process is alive is another question. Null: nobody did. */
export function baseHolder(directory: string): ProcessIdentity | null {
  return readHolder(join(directory, 'agent.lock'));
}

function readHolder(file: string): ProcessIdentity | null {
  const value = readJsonFile(file) as Partial<ProcessIdentity> | null;
  if (typeof value?.pid !== 'number') return null;
  return { pid: value.pid, startTicks: value.startTicks ?? null, bootId: value.bootId ?? '' };
}

function running(directory: string, holder: ProcessIdentity | null): ConflictError {
  return new ConflictError(
    'KERUTA_ERR_AGENT_RUNNING',
    `Another agent (pid ${holder?.pid ?? 'unknown'}) holds the base directory ${directory}. ` +
      'Stop it (`keruta daemon stop`), or give this one another KERUTA_BASE_DIR.',
    { details: { directory, pid: holder?.pid ?? null } },
  );
}
