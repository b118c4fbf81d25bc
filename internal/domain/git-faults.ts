import { GitError } from '../../pkg/git/git-error.ts';
import {
  ConflictError,
  DeniedError,
  InputError,
  type KerutaError,
  NotFoundError,
  UnavailableError,
} from './errors.ts';

/**
 * Says in the words of the product what git, or the file system, could not do, with the next step. Others pass through.
 */
export function wrapGitError(error: unknown): unknown {
  if (error instanceof GitError) return errorOfFault(error);
  const code =
    error instanceof Error && 'syscall' in error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code === undefined) return error;
  const { message } = error as Error;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new UnavailableError('KERUTA_ERR_DISK_FULL', `no space left for the clone: ${message}`, {
      cause: error,
    });
  return new ConflictError('KERUTA_ERR_DIRECTORY', `the working directory cannot be used: ${message}`, {
    cause: error,
  });
}

function errorOfFault(error: GitError): KerutaError {
  const options = { cause: error, details: { fault: error.fault } };
  switch (error.fault) {
    case 'refused':
      return new InputError('KERUTA_ERR_REPOSITORY_REFUSED', error.message, options);
    case 'auth':
      return new DeniedError(
        'KERUTA_ERR_REPOSITORY_AUTH',
        `${error.message}. Check the ssh key or credential helper of the agent's environment, or the token in the session's repository URL`,
        options,
      );
    case 'unreachable':
    case 'timeout':
      return new UnavailableError(
        'KERUTA_ERR_REPOSITORY_UNREACHABLE',
        `${error.message}. ${hintFor(error.message)}`,
        options,
      );
    case 'ref-not-found':
      return new NotFoundError('KERUTA_ERR_REF_NOT_FOUND', error.message, options);
    case 'ownership':
      return new ConflictError(
        'KERUTA_ERR_DIRECTORY',
        `the clone belongs to another user (${error.message}). Run the agent as that user, or change the owner of the directory`,
        options,
      );
    default:
      return new UnavailableError('KERUTA_ERR_GIT', error.message, options);
  }
}

function hintFor(message: string): string {
  if (/returned error: 30\d/.test(message))
    return 'The address redirects, which is not followed: use the address that it redirects to';
  return 'Check the URL, the network and that the repository exists';
}
