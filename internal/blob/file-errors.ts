import { KerutaError, UnavailableError } from '../domain/errors.ts';
import type { BlobKey } from './blob.ts';

/** Makes one of our errors of what the file system says; what is none of its errors comes back as it is. */
export function mapFileError(error: unknown, key: BlobKey): unknown {
  if (error instanceof KerutaError || !isSystemError(error)) return error;
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT' || error.code === 'EFBIG')
    return new UnavailableError(
      'KERUTA_ERR_DISK_FULL',
      `no space is left to keep ${key} (${error.code}): free some, then try again`,
      { cause: error },
    );
  return new UnavailableError(
    'KERUTA_ERR_STORE_UNAVAILABLE',
    `${key} cannot be read or written now (${error.code})`,
    { cause: error },
  );
}

/** Whether an error says that a file or directory is not there. */
export function isMissing(error: unknown): boolean {
  return isSystemError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}
