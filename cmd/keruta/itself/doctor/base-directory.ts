import { access, constants, lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LoadedSettings } from '../../../../internal/config/load-settings.ts';
import { type CheckParts, fail, listed, ok, settingsCheck, warn } from './check.ts';

/** Directories that an agent refuses when they are not its user's own. */
const owned = ['', 'runs', 'work'];
/** Files with secrets: tokens, and what may hold one. */
const secretFile = /(\.token|^config\.yaml|^handover\..*)$/;

/** Whether the base directory is one of our own that nobody else can look into. */
export const baseDirectoryCheck = settingsCheck('base-directory', look);

async function look({ context: { uid } }: CheckParts, { values: { baseDir } }: LoadedSettings) {
  const another = 'name a directory of your own: KERUTA_BASE_DIR';
  const base = await lstat(baseDir).catch(() => null);
  if (base === null) return missing(baseDir);
  for (const name of owned) {
    const path = join(baseDir, name);
    const found = await lstat(path).catch(() => null);
    if (found === null) continue;
    if (!found.isDirectory()) return fail(`${path} is a link or a file`, another);
    if (found.uid !== uid) return fail(`${path} belongs to user ${found.uid}, not to ${uid}`, another);
  }
  const isWritable = await access(baseDir, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!isWritable) return fail(`${baseDir} cannot be written`, another);
  const open = await openToOthers(baseDir);
  const mode = (base.mode & 0o777).toString(8).padStart(4, '0');
  if (open.length === 0) return ok(`${baseDir}, mode ${mode}`);
  return warn(
    `others can look into ${listed(open)}`,
    `chmod -R go= ${baseDir} (the agent closes its directories when it starts)`,
  );
}

async function missing(baseDir: string) {
  for (let path = dirname(baseDir); ; path = dirname(path)) {
    if ((await lstat(path).catch(() => null)) === null && path !== '/') continue;
    const canBeMade = await access(path, constants.W_OK).then(
      () => true,
      () => false,
    );
    if (canBeMade) return ok(`there is no ${baseDir} yet; the first start makes it`);
    return fail(
      `there is no ${baseDir}, and it cannot be made in ${path}`,
      'make it, or name another: KERUTA_BASE_DIR',
    );
  }
}

/** The directory itself, those of the agent in it, and files with secrets. */
async function openToOthers(baseDir: string): Promise<readonly string[]> {
  const names = (await readdir(baseDir)).filter((name) => secretFile.test(name) || owned.includes(name));
  const found = await Promise.all(
    ['', ...names].map(async (name) => {
      const path = join(baseDir, name);
      const stat = await lstat(path).catch(() => null);
      return stat !== null && (stat.mode & 0o077) !== 0 ? [path.replace(/\/$/, '')] : [];
    }),
  );
  return found.flat();
}
