import { lstat, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { LoadedSettings } from '../../../../internal/config/load-settings.ts';
import { readPidFile } from '../../roles/pid-file.ts';
import { daemonPlaces } from '../../roles/places.ts';
import { readServerState } from '../../server-state.ts';
import { holderOf, isFile } from './agent.ts';
import { baseCheck, type CheckParts, listed, ok, warn } from './check.ts';

/** What is written and taken away at once is older than this only when its writer died; ms. */
const momentMs = 60_000;

/** Small files that agents and servers leave when they are killed. */
export const leftoversCheck = baseCheck('leftovers', look);

async function look({ context }: CheckParts, { values }: LoadedSettings) {
  const { baseDir, dataDir } = values;
  const places = daemonPlaces(values);
  const found: string[] = [];
  if ((await isFile(places.pidFile)) && readPidFile(places.pidFile) === null) found.push(places.pidFile);
  const agent = await holderOf(baseDir);
  const before = context.clock.now() - momentMs;
  let tokens = 0;
  for (const name of (await readdir(baseDir)).sort()) {
    const path = join(baseDir, name);
    const stat = await lstat(path).catch(() => null);
    if (stat === null || path === places.pidFile) continue;
    const isForgotten = /^handover\./.test(name) && stat.mtimeMs < before;
    if (isForgotten) tokens += 1;
    const isHalf = /\.new$|^agent\.lock\.\d+/.test(name) && stat.mtimeMs < before;
    const isDead = agent === null && (agentsFiles.includes(name) || stat.isSocket());
    if (isForgotten || isHalf || isDead) found.push(path);
  }
  const serverFile = join(dataDir, 'server.json');
  if ((await isFile(serverFile)) && readServerState(dataDir) === null) found.push(serverFile);
  if (found.length === 0) return ok('none');
  const secret = tokens > 0 ? ` (${tokens} with a token)` : '';
  return warn(
    `left by a process that was killed: ${listed(
      found.map((path) => basename(path)),
      6,
    )}${secret}`,
    `the next start takes them away: keruta daemon; or remove them: rm ${found.join(' ')}`,
  );
}

/** There while an agent runs. */
const agentsFiles = ['agent.lock', 'agent.json', 'local.token'];
