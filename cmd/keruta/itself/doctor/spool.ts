import { join } from 'node:path';
import { spoolState } from '../../../../internal/api/spool.ts';
import type { LoadedSettings } from '../../../../internal/config/load-settings.ts';
import { span } from '../../people/print.ts';
import { baseCheck, type CheckParts, counted, ok, warn } from './check.ts';

/** Requests of task commands that could not be sent yet, or were refused. */
export const spoolCheck = baseCheck('spool', look);

async function look({ context }: CheckParts, { values }: LoadedSettings) {
  const directory = join(values.baseDir, 'spool');
  const { waiting, oldestAt, rejected } = spoolState(directory);
  const said: string[] = [];
  const advice: string[] = [];
  if (waiting > 0) {
    const age =
      oldestAt === null ? '' : `, the oldest for ${span(Math.max(0, context.clock.now() - oldestAt))}`;
    said.push(`${counted(waiting, 'request waits', 'requests wait')}${age}`);
    advice.push('they are sent by the agent, or by the next task command, once the API answers (see api)');
  }
  if (rejected > 0) {
    said.push(`${counted(rejected, 'request')} refused for good`);
    advice.push(`they are kept in ${join(directory, 'rejected')}: look at them, then remove them`);
  }
  return said.length === 0 ? ok('nothing waits') : warn(said.join('; '), advice.join('; '));
}
