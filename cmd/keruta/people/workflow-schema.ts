import { command } from '../command.ts';

/** `keruta workflow schema` */
export const workflowSchema = command({
  name: 'workflow schema',
  summary: 'Prints the JSON Schema of workflow files, for editors.',
  positionals: {},
  options: {},
  examples: ['keruta workflow schema > .keruta/workflow.schema.json'],
  run: async (context) => {
    const { workflowJsonSchema } = await import('../../../internal/trigger/json-schema.ts');
    await context.stdout.write(`${JSON.stringify(workflowJsonSchema(), null, 2)}\n`);
    return 0;
  },
});
