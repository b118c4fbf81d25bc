/** PID files: the process id on the first line, as others read it; what names the process for good on the second. */
import { readFileSync, rmSync } from 'node:fs';
import { ConflictError } from '../../../internal/domain/errors.ts';
import { identityOf, isAlive, type ProcessIdentity } from '../../../internal/worker/process-identity.ts';
import { replaceFile } from '../own-file.ts';

/** The process of a PID file, when it is alive; null when there is none, or its pid belongs to another one by now. */
export function readPidFile(path: string): ProcessIdentity | null {
  try {
    const [pid = '', rest = ''] = readFileSync(path, 'utf8').split('\n');
    const [startTicks = '', bootId = ''] = rest.split(' ');
    if (!/^\d{1,10}$/.test(pid)) return null;
    const identity = { pid: Number(pid), startTicks: startTicks === '' ? null : Number(startTicks), bootId };
    return isAlive(identity) ? identity : null;
  } catch {
    return null;
  }
}

/**
 * Writes the PID file of this process.
 * @returns removes it, when it is still ours
 * @throws {ConflictError} KERUTA_ERR_AGENT_RUNNING when it names another process that is alive
 */
export function writePidFile(path: string, pid: number): () => void {
  const other = readPidFile(path);
  if (other !== null && other.pid !== pid) {
    throw new ConflictError(
      'KERUTA_ERR_AGENT_RUNNING',
      `the PID file ${path} belongs to process ${other.pid}, which is running; stop it (keruta daemon stop) or name another file`,
    );
  }
  const identity = identityOf(pid);
  replaceFile(path, `${pid}\n${identity?.startTicks ?? ''} ${identity?.bootId ?? ''}\n`, String(pid));
  return () => {
    if (readPidFile(path)?.pid === pid) rmSync(path, { force: true });
  };
}
