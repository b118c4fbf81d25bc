import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createClone, inspectPlace, type OwnClone } from '../../../pkg/git/own-clone.ts';
import type { Random } from '../../../pkg/random/random.ts';
import { ConflictError } from '../../domain/errors.ts';
import { cloneMarker } from '../../domain/git-names.ts';

/** Makes clones so that a half-made one is never taken for a whole one. */
export interface NewClone<T> {
  readonly random: Random;
  /** the clone as it shall be; `directory` is its final place */
  readonly clone: OwnClone;
  /** fills the clone in the directory that it is given; its answer is handed through */
  fill(directory: string): Promise<T>;
}

/**
 * Makes a clone in a temporary directory beside its place and moves it there when it is whole. What an earlier, killed
 * attempt left is removed. An empty directory that is already there (a mounted volume cannot be renamed) is filled where
 * it is: its marker is written first, so the next use finishes what was begun.
 */
export async function makeClone<T>(request: NewClone<T>): Promise<T> {
  const { clone, random } = request;
  const parent = dirname(clone.directory);
  await mkdir(parent, { recursive: true });
  await removeInterrupted(clone.directory);
  if ((await inspectPlace(clone.directory, cloneMarker)) === 'empty') {
    await createClone(clone);
    return request.fill(clone.directory);
  }
  const temporary = join(parent, `${prefixOf(clone.directory)}${process.pid}-${random.uuid4().slice(0, 8)}`);
  try {
    await createClone({ ...clone, directory: temporary });
    const filled = await request.fill(temporary);
    await rename(temporary, clone.directory);
    return filled;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Makes a new clone in place of a damaged one, which is moved aside to `<directory>.damaged`, not deleted. An earlier
 * one there is replaced when it is ours. Nothing is moved before the new clone is whole.
 * @returns what `fill` answered, and where the damaged clone is now
 */
export async function replaceClone<T>(request: NewClone<T>): Promise<{ filled: T; aside: string }> {
  const { clone, random } = request;
  const fresh = `${clone.directory}.fresh`;
  await removeOwn(fresh);
  const filled = await makeClone({ ...request, clone: { ...clone, directory: fresh } });
  let aside = `${clone.directory}.damaged`;
  if (!(await removeOwn(aside))) aside = `${aside}-${random.uuid4().slice(0, 8)}`;
  try {
    await rename(clone.directory, aside);
  } catch (error) {
    await removeOwn(fresh);
    throw new ConflictError(
      'KERUTA_ERR_DIRECTORY',
      `the clone in ${clone.directory} is damaged and cannot be moved aside; move it yourself`,
      { cause: error },
    );
  }
  await rename(fresh, clone.directory);
  return { filled, aside };
}

/** Removes a clone of ours. @returns whether the place is free now */
async function removeOwn(directory: string): Promise<boolean> {
  const state = await inspectPlace(directory, cloneMarker);
  if (state === 'own') await rm(directory, { recursive: true, force: true });
  return state === 'own' || state === 'missing';
}

const prefixOf = (directory: string) => `.${basename(directory)}.clone-`;

/** Removes temporary directories of attempts whose process is gone. Only what is ours, or empty, is touched. */
async function removeInterrupted(directory: string): Promise<void> {
  const [parent, prefix] = [dirname(directory), prefixOf(directory)];
  for (const name of await readdir(parent)) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN;
    if (Number.isNaN(pid) || (pid !== process.pid && isAlive(pid))) continue;
    const left = join(parent, name);
    const state = await inspectPlace(left, cloneMarker);
    if (state === 'own') await rm(left, { recursive: true, force: true });
    if (state === 'empty') {
      await rmdir(join(left, '.git')).catch(() => {});
      await rmdir(left).catch(() => {});
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
