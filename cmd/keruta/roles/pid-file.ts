/**
 * PID files: the process id and nothing else, so that `kill $(cat FILE)` does what people mean. What names the process
 * for good stands in a file beside it, `FILE.id`.
 */
import { readFileSync, rmSync } from 'node:fs';
import { ConflictError } from '../../../internal/domain/errors.ts';
import { identityOf, isAlive, type ProcessIdentity } from '../../../pkg/process/process-identity.ts';
import { readOwnFile, replaceFile } from '../own-file.ts';

/**
 * The process of a PID file, when it is alive; null when there is none, or its pid belongs to another one by now. A file
 * without identity beside it is nobody's: it was not written by this program.
 */
export function readPidFile(path: string): ProcessIdentity | null {
  try {
    const text = readFileSync(path, 'utf8').trim();
    const [pid = '', startTicks = '', bootId = ''] = readFileSync(idFile(path), 'utf8').trim().split(' ');
    if (!/^\d{1,10}$/.test(text) || pid !== text) return null;
    const ticks = startTicks === '' || startTicks === '-' ? null : Number(startTicks);
    const identity = { pid: Number(pid), startTicks: ticks, bootId };
    return isAlive(identity) ? identity : null;
  } catch {
    return null;
  }
}

/**
 * Writes the PID file of this process.
 * @returns removes it, when it is still ours
 * @throws {ConflictError} KERUTA_ERR_AGENT_RUNNING when it names another process that is alive; KERUTA_ERR_DIRECTORY when it
 *         is a link or no file
 */
export function writePidFile(path: string, pid: number): () => void {
  readOwnFile(path, '--pid-file');
  const other = readPidFile(path);
  if (other !== null && other.pid !== pid) {
    throw new ConflictError(
      'KERUTA_ERR_AGENT_RUNNING',
      `the PID file ${path} belongs to process ${other.pid}, which is running; stop it (keruta daemon stop) or name another file`,
    );
  }
  const identity = identityOf(pid);
  // the identity first: who sees the pid can check it
  const words = [pid, identity?.startTicks ?? '-', identity?.bootId ?? ''];
  replaceFile(idFile(path), `${words.join(' ')}\n`, String(pid));
  replaceFile(path, `${pid}\n`, String(pid));
  return () => {
    if (readPidFile(path)?.pid !== pid) return;
    rmSync(path, { force: true });
    rmSync(idFile(path), { force: true });
  };
}

const idFile = (path: string) => `${path}.id`;
