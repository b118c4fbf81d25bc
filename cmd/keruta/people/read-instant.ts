import { readInstant } from '../../../internal/api/instant.ts';
import { InputError } from '../../../internal/domain/errors.ts';

/** Reads an instant of the command line; epoch ms. @throws {InputError} KERUTA_ERR_BAD_VALUE that names the option */
export function readInstantOption(option: string, text: string): number {
  const at = readInstant(text);
  if (at !== null) return Date.parse(at);
  const expected = 'an instant such as 2026-03-28T12:00:00Z';
  throw new InputError('KERUTA_ERR_BAD_VALUE', `${option}: expected ${expected}, got ${text}`);
}
