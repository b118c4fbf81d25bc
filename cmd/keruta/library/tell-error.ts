/** Tells the handlers of a file that a task of it has failed for the last time. Runs as the hook of its workflow. */

import { tellError } from '../../../lib/src/run-unit.ts';
import type { CommandContext } from '../command.ts';
import { readParameters, sourceOf } from './about-task.ts';
import type { ImportedFile } from './import-file.ts';

/** What a hook gets to know of the task before it. */
interface EndWords {
  readonly error?: {
    readonly message?: string;
    readonly code?: string;
    readonly attempts?: number;
  };
  readonly event?: { readonly source?: string; readonly at?: string; readonly kind?: string } | null;
}

/** @returns what went wrong with a handler; `''`: nothing */
export async function tellErrorOfTask(
  { env, clock, signal }: Pick<CommandContext, 'env' | 'clock' | 'signal'>,
  { table }: ImportedFile,
  name: string,
): Promise<string> {
  const { error: end = {}, event } = readParameters(env) as EndWords;
  const error = new Error(end.message || `${name} failed`);
  if (end.code) error.name = end.code;
  const at = Date.parse(event?.at ?? '');
  const more = await tellError(table, error, {
    ...{ name, signal, parameters: {}, source: sourceOf(event?.source ?? ''), event: event?.kind ?? '' },
    ...{ attempt: end.attempts ?? 1, at: new Date(Number.isNaN(at) ? clock.now() : at) },
  });
  return more.replace(/^; and /, '');
}
