import { join } from 'node:path';
import { identityOf, type ProcessIdentity } from '../../pkg/process/process-identity.ts';
import { ConflictError } from '../domain/errors.ts';
import { isSameProcess, lockHolder, takeProcessLock } from './process-lock.ts';

/**
 * Takes the lock of a base directory, so that two agents never share one.
 *
 * @param pid  of the process that holds it
 * @returns lets go of it
 * @throws {ConflictError} KERUTA_ERR_AGENT_RUNNING, naming the holder
 */
export function lockBase(directory: string, pid: number): () => void {
  const asked = takeProcessLock(join(directory, 'agent.lock'), pid);
  if ('letGo' in asked) return asked.letGo;
  throw running(directory, asked.holder);
}

/** Whether a process holds the lock of a base directory: it may have been deleted, and taken by somebody else since. */
export function holdsBase(directory: string, pid: number): boolean {
  const [holder, identity] = [baseHolder(directory), identityOf(pid)];
  return holder !== null && holder.pid === pid && (identity === null || isSameProcess(holder, identity));
}

/** Who holds a base directory, or held it last: whether that process is alive is another question. Null: nobody did. */
export function baseHolder(directory: string): ProcessIdentity | null {
  return lockHolder(join(directory, 'agent.lock'));
}

function running(directory: string, holder: ProcessIdentity | null): ConflictError {
  return new ConflictError(
    'KERUTA_ERR_AGENT_RUNNING',
    `Another agent (pid ${holder?.pid ?? 'unknown'}) holds the base directory ${directory}. ` +
      'Stop it (`keruta daemon stop`), or give this one another KERUTA_BASE_DIR.',
    { details: { directory, pid: holder?.pid ?? null } },
  );
}
