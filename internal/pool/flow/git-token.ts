import { readFileSync } from 'node:fs';
import type { RepositoryCredentials } from '../../../pkg/git/repository-url.ts';
import { NotFoundError } from '../../domain/errors.ts';

/** The variable that holds a token, unless told otherwise; with `_FILE` behind it one that names a file. */
export const defaultTokenVariable = 'GIT_TOKEN';
/** The variable in which an agent hands its runner a token that the server lent: it may read one repository, not push. */
export const lentTokenVariable = 'KERUTA_LENT_GIT_TOKEN';

/** The name that goes with a token; GitHub, GitLab and Gitea look at the token alone. */
const tokenUser = 'x-access-token';
const maxTokenBytes = 16 * 1024;

/**
 * Makes a function that reads the token for https repositories: from the variable, else from the file that `<variable>_FILE`
 * names. It is read when it is needed and kept nowhere, so a file that changes is seen.
 *
 * @returns a function that gives null where neither is set; it throws {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND
 */
export function gitToken(
  environment: Readonly<Record<string, string | undefined>>,
  variable = defaultTokenVariable,
): () => RepositoryCredentials | null {
  return () => {
    const token = environment[variable]?.trim() || readToken(environment[`${variable}_FILE`], variable);
    return token === null ? null : { username: tokenUser, password: token };
  };
}

function readToken(file: string | undefined, variable: string): string | null {
  if (file === undefined || file === '') return null;
  const refuse = (why: string, cause?: unknown) =>
    new NotFoundError('KERUTA_ERR_FILE_NOT_FOUND', `the file ${file} of ${variable}_FILE ${why}`, { cause });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw refuse(`cannot be read: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`, cause);
  }
  const token = text.trim();
  if (token === '') throw refuse('is empty; expected a token');
  if (Buffer.byteLength(token) > maxTokenBytes || /\s/.test(token))
    throw refuse('holds more than one word; expected a token');
  return token;
}
