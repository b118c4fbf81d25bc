import { rmSync } from 'node:fs';
import { UnavailableError } from '../domain/errors.ts';

/** What the file system says when it takes nothing more. @see errno(3) */
const diskFaults: readonly string[] = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE'];

/** What programs such as git say about such a disk, and Node's own `rm`, whose errors have no code. @see strerror(3) */
const diskWords = /No space left on device|Disk quota exceeded|Read-only file system|Too many open files/;

/** Which fault of the disk, or of the number of open files, an error is; null when it is none. */
export function diskFaultOf(error: unknown): string | null {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
  if (code !== undefined && diskFaults.includes(code)) return code;
  return diskWords.exec(message ?? '')?.[0] ?? null;
}

/**
 * The same error, but a fault of the disk as the one that people know: KERUTA_ERR_DISK_FULL.
 * @param what  that could not be written, such as `the record of a run`
 */
export function asDiskFault(error: unknown, what: string): unknown {
  const code = diskFaultOf(error);
  if (code === null) return error;
  return new UnavailableError(
    'KERUTA_ERR_DISK_FULL',
    `The disk takes nothing for ${what} (${code}). Free some space or files, then try again.`,
    { cause: error },
  );
}

/** Removes a file, there or not; what the disk does not let go of now stays. */
export function removeFile(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch (error) {
    if (diskFaultOf(error) === null) throw error;
  }
}
