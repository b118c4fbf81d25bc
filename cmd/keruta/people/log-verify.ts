import type { ApiClient } from '../../../internal/api/client/client.ts';
import { NotFoundError } from '../../../internal/domain/errors.ts';
import { command } from '../command.ts';
import { findTask } from './find.ts';
import { printJson } from './print.ts';

/** `keruta log verify` */
export const logVerify = command({
  name: 'log verify',
  summary: 'Checks that the output of a task is whole on the server, and names what is missing.',
  description:
    'Fetches the raw output of each attempt, and compares sizes and checksums with what the server counted when the ' +
    'bytes came and, where this machine has the directory of the run, with what the script wrote and the agent reported.',
  positionals: { task: { doc: 'id, or at least 4 characters of its beginning' } },
  options: {
    attempt: { kind: 'int', range: [1, 1_000_000], placeholder: 'N', doc: 'only this attempt' },
  },
  examples: ['keruta log verify 3f2a', 'keruta log verify 3f2a --attempt 2 --json'],
  exits: { 1: 'something is missing' },
  run: async (context, values) => {
    const { verifyAttempt, attemptText } = await import('./verify-attempt.ts');
    const { values: settings } = await context.settings();
    const client = await context.makeClient();
    const task = await findTask(context, client, values.task);
    const all = await numbersOf(client, task.id, context.signal);
    const chosen = all.filter((number) => values.attempt === undefined || number === values.attempt);
    if (chosen.length === 0) {
      const has = all.length === 0 ? `none, for it is ${task.status}` : all.join(', ');
      const wanted = values.attempt === undefined ? '' : ` ${values.attempt}`;
      throw new NotFoundError(
        'KERUTA_ERR_ATTEMPT_NOT_FOUND',
        `task ${task.id} has no attempt${wanted} to verify; it has ${has}`,
      );
    }
    const verified = [];
    for (const number of chosen) {
      const found = await verifyAttempt(context, client, { task, number, baseDir: settings.baseDir });
      if (!context.json) await context.stdout.write(attemptText(found));
      verified.push(found);
    }
    const whole = verified.every((attempt) => attempt.whole);
    if (context.json) await printJson(context, { taskId: task.id, whole, attempts: verified });
    return whole ? 0 : 1;
  },
});

/** The attempts of a task that is there. */
async function numbersOf(client: ApiClient, taskId: string, signal: AbortSignal): Promise<readonly number[]> {
  try {
    return (await client.attempts.list(taskId, { signal })).map(({ number }) => number);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    throw new NotFoundError(
      'KERUTA_ERR_ATTEMPT_NOT_FOUND',
      `the server at ${client.baseUrl} keeps no attempts (it has the plain protocol only); its output cannot be verified`,
      { cause: error },
    );
  }
}
