import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';

/**
 * Removes lock files that a killed git left in a clone of ours. Nothing is removed while a git process has its current
 * directory in the clone, or where that cannot be told (no `/proc`).
 *
 * @param directory root of the work tree, or a bare repository; absolute
 * @param gitDirectory where its index and refs are; default `.git` in it
 * @returns the lock files that were removed
 */
export async function removeStaleLocks(
  directory: string,
  gitDirectory = join(directory, '.git'),
): Promise<readonly string[]> {
  const locks = await findStaleLocks(directory, gitDirectory);
  for (const lock of locks) await rm(lock, { force: true });
  return locks;
}

/** Finds what `removeStaleLocks` would remove, and removes nothing. */
export async function findStaleLocks(
  directory: string,
  gitDirectory = join(directory, '.git'),
): Promise<readonly string[]> {
  const locks = await findLocks(gitDirectory);
  return locks.length === 0 || (await gitLivesIn(directory)) ? [] : locks;
}

async function findLocks(git: string): Promise<string[]> {
  const top = (await readdir(git).catch(() => [])).map((name) => join(git, name));
  const refs = (await readdir(join(git, 'refs'), { recursive: true }).catch(() => [])).map((name) =>
    join(git, 'refs', name),
  );
  return [...top, ...refs].filter((file) => file.endsWith('.lock'));
}

/** Whether a git process has its current directory in a directory, or that cannot be told. */
export async function gitLivesIn(directory: string): Promise<boolean> {
  let pids: string[];
  try {
    pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  } catch {
    return true;
  }
  for (const pid of pids) {
    try {
      if (!(await readFile(`/proc/${pid}/comm`, 'utf8')).startsWith('git')) continue;
      const state = /\) (\w)/.exec(await readFile(`/proc/${pid}/stat`, 'utf8'))?.[1];
      const place = await readlink(`/proc/${pid}/cwd`);
      if (state !== 'Z' && (place === directory || place.startsWith(directory + sep))) return true;
    } catch {
      // It ended meanwhile, or belongs to somebody else and so is none of ours.
    }
  }
  return false;
}
