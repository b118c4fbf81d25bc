import { InputError } from '../domain/errors.ts';

const maxKeyLength = 255;

/** Reads the Idempotency-Key of a request; undefined when there is none. @throws {InputError} KERUTA_ERR_BAD_VALUE */
export function readIdempotencyKey(
  headers: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined || (key !== '' && key.length <= maxKeyLength)) return key;
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `Idempotency-Key: expected 1 to ${maxKeyLength} characters, got ${key.length}.`,
  );
}
