import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadedSettings } from '../../../../internal/config/load-settings.ts';
import { findStaleLocks } from '../../../../pkg/git/locks.ts';
import { repositoriesOf } from '../../roles/repositories.ts';
import { type CheckParts, listed, ok, settingsCheck, warn } from './check.ts';

/** More clones than this are not looked through in the time of a check. */
const maxClones = 200;

/** Locks that a killed git left in clones, and that make every later git fail there. */
export const gitLocksCheck = settingsCheck('git-locks', look);

async function look({ context, signal }: CheckParts, settings: LoadedSettings) {
  const directory = repositoriesOf(settings, context.home);
  const names = (await readdir(directory).catch(() => [])).sort().slice(0, maxClones);
  const own = settings.values.workingDir;
  const clones = [...names.map((name) => join(directory, name)), ...(own === null ? [] : [own])];
  const found: string[] = [];
  for (const clone of clones) {
    signal.throwIfAborted();
    found.push(...(await findStaleLocks(clone)));
  }
  if (found.length === 0) return ok(`none in ${clones.length === 1 ? '1 clone' : `${clones.length} clones`}`);
  return warn(
    `git was killed and left ${listed(found)}`,
    'the agent removes those of its own clones before the next task; in a clone of your own, when no git runs there: rm the file',
  );
}
