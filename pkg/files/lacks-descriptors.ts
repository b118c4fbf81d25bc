import { closeSync, openSync } from 'node:fs';

/** Whether something failed only because no file more may be opened now. Nothing can be told of the file then. @see errno(3) */
export function lacksDescriptors(error: unknown): boolean {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return code === 'EMFILE' || code === 'ENFILE';
}

/** Whether no file more may be opened now, so that whether this one is there, and what is in it, cannot be told. */
export function isOutOfSight(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'));
    return false;
  } catch (error) {
    return lacksDescriptors(error);
  }
}
