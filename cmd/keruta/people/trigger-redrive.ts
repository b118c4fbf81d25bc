import { InputError } from '../../../internal/domain/errors.ts';
import { command } from '../command.ts';
import { printJson, shortId } from './print.ts';

/** Most that one call makes anew. */
const maxTasks = 1000;

/** `keruta trigger redrive` */
export const triggerRedrive = command({
  name: 'trigger redrive',
  summary: 'Makes new tasks of what failed for good, with the same event and parameters.',
  description:
    'Works on what `trigger history --dead` lists. The workflow is the one of now; policies are asked, overlap is not. Of one ' +
    'failed task there is one new task: asked again, it is the same. `task retry` runs the failed task itself once more.',
  positionals: {
    workflow: { doc: 'name or id' },
    task: { doc: 'tasks that failed: id, or beginning of an id', optional: true, variadic: true },
  },
  options: { all: { kind: 'bool', doc: `everything that is dead, up to ${maxTasks}`, default: false } },
  examples: ['keruta trigger redrive nightly 3f2a', 'keruta trigger redrive nightly --all'],
  exits: { 1: 'something was put on record and not run' },
  run: async (context, { workflow, task: named, all }) => {
    if (all === named.length > 0)
      throw new InputError('KERUTA_ERR_USAGE', 'trigger redrive: expected either tasks or --all');
    const client = await context.makeClient();
    const options = { signal: context.signal };
    const { findTask } = await import('./find.ts');
    const tasks = all
      ? (await client.workflows.occurrences(workflow, { dead: true, limit: maxTasks }, options))
          .toReversed()
          .flatMap(({ taskId }) => taskId ?? [])
      : await Promise.all(named.map(async (one) => (await findTask(context, client, one)).id));
    const done = [];
    for (const task of tasks)
      done.push({ task, made: await client.triggers.redrive(workflow, task, options) });
    if (context.json)
      await printJson(
        context,
        done.map(({ made }) => made),
      );
    else
      for (const { task, made } of done)
        await context.stdout.write(
          `${shortId(task)} → ${made.taskId === null ? `not run: ${made.reason}` : made.taskId}\n`,
        );
    if (done.length === 0) await context.stderr.write('nothing is dead\n');
    return done.every(({ made }) => made.decision === 'run') ? 0 : 1;
  },
});
