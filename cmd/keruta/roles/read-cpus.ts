import { InputError } from '../../../internal/domain/errors.ts';

/** Reads a number of processors. @param setting  for messages @throws {InputError} KERUTA_ERR_BAD_VALUE */
export function readCpus(text: string | null, setting: string): number | null {
  if (text === null) return null;
  const cpus = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (cpus > 0) return cpus;
  throw new InputError('KERUTA_ERR_BAD_VALUE', `${setting}: expected a number such as 1.5; got "${text}"`);
}
