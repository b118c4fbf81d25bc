import { readFileSync } from 'node:fs';
import { NotFoundError } from '../../../internal/domain/errors.ts';
import type { CommandContext } from '../command.ts';

/** Largest file of a secret; characters. */
const maxChars = 64 * 1024;

/**
 * Makes a function that reads secrets: from a variable, else from the file that `NAME_FILE` names. It is read when it is needed.
 * @returns a function that gives null where neither is set; it throws {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND
 */
export function secretReader(env: CommandContext['env']): (variable: string) => string | null {
  return (variable) => {
    const value = env[variable];
    if (value !== undefined && value !== '') return value;
    const file = env[`${variable}_FILE`];
    if (file === undefined || file === '') return null;
    try {
      return readFileSync(file, 'utf8').slice(0, maxChars);
    } catch (cause) {
      throw new NotFoundError(
        'KERUTA_ERR_FILE_NOT_FOUND',
        `the file ${file} of ${variable}_FILE cannot be read: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`,
        { cause },
      );
    }
  };
}
