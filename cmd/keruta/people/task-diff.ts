import { NotFoundError } from '../../../internal/domain/errors.ts';
import { command } from '../command.ts';
import { findTask } from './find.ts';

/** `keruta task diff` */
export const taskDiff = command({
  name: 'task diff',
  summary: 'Prints what an agent task changed, as a difference that git apply takes.',
  positionals: { task: { doc: 'id, or at least 4 characters of its beginning' } },
  options: {},
  examples: ['keruta task diff 3f2a', 'keruta task diff 3f2a | git apply'],
  run: async (context, values) => {
    const { newestOf } = await import('./story-fields.ts');
    const client = await context.makeClient();
    const { id, name, status } = await findTask(context, client, values.task);
    const found = await newestOf(client, { id, path: 'changes.diff', signal: context.signal });
    if (found === null)
      throw new NotFoundError(
        'KERUTA_ERR_ARTIFACT_NOT_FOUND',
        `task ${name} is ${status} and left no changes.diff; expected an agent task or a playbook that changed something`,
      );
    for await (const piece of await client.artifacts.content(id, found.id, { signal: context.signal }))
      await context.stdout.write(piece);
    return 0;
  },
});
