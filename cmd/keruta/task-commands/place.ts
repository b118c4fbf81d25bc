/** Where a task command speaks, once the settings are read. */
import { join } from 'node:path';
import { InputError } from '../../../internal/domain/errors.ts';
import type { CommandContext } from '../command.ts';
import { findRun } from './in-run.ts';
import type { SpeakPlace } from './speak.ts';

/**
 * Finds the place: the run that this process belongs to, else the API of the settings.
 * @throws {InputError} KERUTA_ERR_CONFIG_MISSING when no task is named
 */
export async function placeOf(context: CommandContext): Promise<SpeakPlace> {
  const { values, origins } = await context.settings();
  const taskId = values.taskId;
  const run = findRun(context.env, taskId ?? undefined);
  if (run && origins.apiUrl.from !== 'flag') return { run };
  if (taskId === null) throw noTask();
  const { accessOf } = await import('../client.ts');
  const { ownMask } = await import('../own-mask.ts');
  const { url, token } = await accessOf(context);
  return {
    outside: {
      apiUrl: url.replace(/(\/api\/v1)?\/*$/, ''),
      token,
      taskId,
      spoolDirectory: join(values.baseDir, 'spool'),
      timeoutMs: values.apiTimeout,
      spentMs: context.upMs?.() ?? 0,
      mask: ownMask(context.env, values),
    },
  };
}

/** The task that a command is about. @throws {InputError} KERUTA_ERR_CONFIG_MISSING */
export async function taskIdOf(context: CommandContext): Promise<string> {
  const { values } = await context.settings();
  if (values.taskId === null) throw noTask();
  return values.taskId;
}

function noTask(): InputError {
  return new InputError(
    'KERUTA_ERR_CONFIG_MISSING',
    'task: expected KERUTA_TASK_ID or --task-id, got neither; inside a run the agent sets it',
  );
}
