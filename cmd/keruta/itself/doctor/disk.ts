import { lstat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { LoadedSettings } from '../../../../internal/config/load-settings.ts';
import { leastSpaceBytes, roundSize } from '../../health-checks.ts';
import { repositoriesOf } from '../../roles/repositories.ts';
import { type CheckParts, type CheckState, type Finding, settingsCheck } from './check.ts';

/** Below this a clone or an ordinary log may fill the disk; bytes. */
const scarceSpaceBytes = 1024 ** 3;
/** A run takes about twenty files; a clone takes thousands. */
const [leastInodes, scarceInodes] = [1_000, 20_000];

/** Space and inodes where the agent writes. */
export const diskCheck = settingsCheck('disk', look);

async function look({ context }: CheckParts, settings: LoadedSettings): Promise<Finding> {
  const { values } = settings;
  const repositories = values.workingDir ?? repositoriesOf(settings, context.home);
  const places = [...new Set([values.baseDir, repositories, values.artifactsDir])].filter(
    (path) => path !== null,
  );
  const seen = new Map<number, { readonly state: CheckState; readonly text: string }>();
  for (const place of places) {
    const directory = await nearestExisting(place);
    const device = (await lstat(directory)).dev;
    if (seen.has(device)) continue;
    const { bavail, bsize, files, ffree } = await statfs(directory);
    const free = bavail * bsize;
    // file systems that make inodes as they need them say 0
    const inodes = files === 0 ? Number.POSITIVE_INFINITY : ffree;
    const state: CheckState =
      free < leastSpaceBytes || inodes < leastInodes
        ? 'fail'
        : free < scarceSpaceBytes || inodes < scarceInodes
          ? 'warn'
          : 'ok';
    const left = inodes === Number.POSITIVE_INFINITY ? '' : ` and ${inodes} inodes`;
    seen.set(device, { state, text: `${roundSize(free)}${left} free at ${place}` });
  }
  const all = [...seen.values()];
  const found = all.map(({ text }) => text).join('; ');
  const state = (['fail', 'warn'] as const).find((each) => all.some((one) => one.state === each)) ?? 'ok';
  const advice = state === 'ok' ? null : 'make room, or name another directory: KERUTA_BASE_DIR';
  return { state, found, advice };
}

async function nearestExisting(path: string): Promise<string> {
  const found = await lstat(path).catch(() => null);
  return found !== null || path === '/' ? path : nearestExisting(dirname(path));
}
