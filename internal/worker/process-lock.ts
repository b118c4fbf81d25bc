import { linkSync, renameSync, rmSync } from 'node:fs';
import { readJsonFile, writeJsonFile } from '../../pkg/files/json-file.ts';
import { identityOf, isAlive, type ProcessIdentity } from '../../pkg/process/process-identity.ts';

/** A lock that was asked for: let go of it, or see who has it. */
export type AskedLock =
  | { readonly letGo: () => void }
  /** null: whoever had it a moment ago */
  | { readonly holder: ProcessIdentity | null };

/**
 * Takes a lock: a file that names its holder by pid, start time and boot. One whose holder is gone is replaced, and so is
 * one that this process has itself. Nothing is ever signalled.
 *
 * @param file  absolute; its directory exists
 * @param pid  of the process that holds it
 */
export function takeProcessLock(file: string, pid: number): AskedLock {
  const mine = `${file}.${pid}`;
  const identity = identityOf(pid) ?? { pid, startTicks: null, bootId: '' };
  try {
    writeJsonFile(mine, identity);
    for (let round = 0; round < 10; round++) {
      // a link fails when the name exists: whoever makes it holds the lock, with its content already whole
      if (tryLink(mine, file)) return { letGo: () => release(file, identity) };
      const holder = lockHolder(file);
      if (holder !== null && isAlive(holder) && !isSameProcess(holder, identity)) return { holder };
      removeStale(file, holder, `${mine}.stale`);
    }
    return { holder: lockHolder(file) };
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Who holds a lock, or held it last: whether that process is alive is another question. Null: nobody did. */
export function lockHolder(file: string): ProcessIdentity | null {
  const value = readJsonFile(file) as Partial<ProcessIdentity> | null;
  if (typeof value?.pid !== 'number') return null;
  return { pid: value.pid, startTicks: value.startTicks ?? null, bootId: value.bootId ?? '' };
}

/** Whether two identities are of one process. */
export function isSameProcess(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks && a.bootId === b.bootId;
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
  const moved = lockHolder(aside);
  if (moved !== null && (holder === null || !isSameProcess(moved, holder))) tryLink(aside, file);
  rmSync(aside, { force: true });
}

function release(file: string, identity: ProcessIdentity): void {
  const holder = lockHolder(file);
  if (holder === null || !isSameProcess(holder, identity)) return;
  try {
    rmSync(file, { force: true });
  } catch {
    // the file system takes nothing any more: the lock of a process that is gone is replaced
  }
}
