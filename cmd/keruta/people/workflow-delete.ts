import { command } from '../command.ts';
import { printJson } from './print.ts';

/** `keruta workflow delete` */
export const workflowDelete = command({
  name: 'workflow delete',
  summary: 'Removes a workflow and its triggers; its tasks, and the record of what it did, stay.',
  positionals: { workflow: { doc: 'name or id' } },
  options: {},
  examples: ['keruta workflow delete nightly'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const { name } = await client.workflows.get(values.workflow, { signal: context.signal });
    await client.workflows.remove(name, { signal: context.signal });
    if (context.json) await printJson(context, { name, deleted: true });
    else await context.stdout.write(`workflow ${name} is deleted\n`);
    return 0;
  },
});
