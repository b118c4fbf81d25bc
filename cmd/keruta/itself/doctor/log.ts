import { access, constants, lstat, readdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { LoadedSettings } from '../../../../internal/config/load-settings.ts';
import { roundSize } from '../../health-checks.ts';
import { logFiles, maxLogBytes } from '../../roles/open-log.ts';
import { daemonPlaces } from '../../roles/places.ts';
import { type CheckParts, counted, fail, ok, settingsCheck, warn } from './check.ts';

/** A file this much over the limit was not rotated: one line more than the limit is normal. */
const overBytes = 1024 ** 2;

/** Size and rotation of the agent's log. */
export const logCheck = settingsCheck('log', look);

async function look({ context: { uid } }: CheckParts, { values }: LoadedSettings) {
  const { logFile } = daemonPlaces(values);
  const files = await family(logFile);
  const newest = files.find(({ path }) => path === logFile);
  if (newest === undefined)
    return ok(`there is no ${logFile} yet (an agent in the foreground writes to stderr)`);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const found = `${logFile}: ${counted(files.length, 'file')}, ${roundSize(total)}`;
  const rule = `it is rotated at ${roundSize(maxLogBytes)}, ${logFiles} files are kept`;
  const isWritable = await access(logFile, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!isWritable)
    return fail(
      `${found}; it cannot be written by user ${uid}`,
      `chown it, or name another: KERUTA_LOG_FILE`,
    );
  if (newest.bytes > maxLogBytes + overBytes || files.length > logFiles + 1) {
    return warn(
      `${found}, although ${rule}`,
      'see that only one program writes it, and that its directory can be written',
    );
  }
  if ((newest.mode & 0o077) !== 0) return warn(`${found}; others can read it`, `chmod 600 ${logFile}`);
  return ok(`${found}; ${rule}`);
}

/** The log and those that it was rotated to: `daemon.log`, `daemon1.log`, … */
async function family(logFile: string) {
  const [end, start] = [extname(logFile), basename(logFile, extname(logFile))];
  const directory = dirname(logFile);
  const names = await readdir(directory).catch(() => []);
  const own = names.filter((name) => {
    const middle = name.slice(start.length, name.length - end.length);
    return name.startsWith(start) && name.endsWith(end) && /^\d*$/.test(middle);
  });
  return Promise.all(
    own.map(async (name) => {
      const path = join(directory, name);
      const { size: bytes, mode } = await lstat(path);
      return { path, bytes, mode };
    }),
  );
}
