import { InputError } from '../domain/errors.ts';
import type { BlobKey } from './blob.ts';

const shape = /^[a-z0-9.-]+(\/[a-z0-9.-]+)*$/;

/**
 * Checks a key, which becomes a path: no part is `.` or `..`, nothing begins or ends with `/`.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE
 */
export function checkKey(key: BlobKey): BlobKey {
  if (shape.test(key) && key.length <= 512 && !key.split('/').some((part) => /^\.+$/.test(part))) return key;
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `blob key ${JSON.stringify(key)}: expected parts of a-z, 0-9, "-" and "." joined by "/"`,
  );
}

/** Checks a prefix: a key, with or without a `/` at its end; @returns it without */
export function checkPrefix(prefix: BlobKey): BlobKey {
  return checkKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
}

/** Whether a key is the prefix itself or lies below it. */
export function isBelow(key: BlobKey, prefix: BlobKey): boolean {
  return key === prefix || key.startsWith(`${prefix}/`);
}
