import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadedSettings } from '../../../../internal/config/load-settings.ts';
import { lookAtRun, type RunLook } from '../../../../internal/worker/look-at-run.ts';
import { holderOf } from './agent.ts';
import { baseCheck, type CheckParts, counted, listed, ok, warn } from './check.ts';

/** Runs that nobody is bringing to their end, and those that the server did not take. */
export const runsCheck = baseCheck('runs', look);

async function look(_parts: CheckParts, { values: { baseDir } }: LoadedSettings) {
  const directory = join(baseDir, 'runs');
  const names = (await readdir(directory).catch(() => [])).sort();
  const runs = names.map((name) => lookAtRun(directory, name));
  const agent = await holderOf(baseDir);
  const [open, refused, strange] = (['open', 'refused', 'strange'] as const).map((state) =>
    runs.filter((run) => run.state === state),
  ) as [RunLook[], RunLook[], RunLook[]];
  const said: string[] = [];
  const advice: string[] = [];
  if (open.length > 0 && agent === null) {
    const goesOn = open.filter((run) => run.isRunning).length;
    const running = goesOn > 0 ? `, ${goesOn} of them with its script running` : '';
    said.push(
      `${counted(open.length, 'run')} without agent${running}: ${listed(open.map((run) => run.name))}`,
    );
    advice.push('start the agent, which goes on with them: keruta daemon');
  }
  if (refused.length > 0) {
    said.push(
      `${counted(refused.length, 'run')} that the server refused: ${listed(refused.map((run) => run.name))}`,
    );
    advice.push(`their output is kept in ${directory}; remove the directory when you do not need it`);
  }
  if (strange.length > 0) {
    said.push(
      `${counted(strange.length, 'directory', 'directories')} without record: ${listed(strange.map((run) => run.name))}`,
    );
    advice.push('the agent removes directories without record after 7 days');
  }
  if (said.length > 0) return warn(said.join('; '), advice.join('; '));
  const kept = runs.length - open.length;
  return ok(`${counted(open.length, 'open run')}, ${counted(kept, 'receipt')} of ended ones`);
}
