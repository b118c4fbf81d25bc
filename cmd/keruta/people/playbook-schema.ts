import { command } from '../command.ts';

/** `keruta playbook schema` */
export const playbookSchema = command({
  name: 'playbook schema',
  summary: 'Prints the JSON Schema of playbooks, for editors.',
  positionals: {},
  options: {},
  examples: ['keruta playbook schema > .keruta/playbook.schema.json'],
  run: async (context) => {
    const { playbookJsonSchema } = await import('../../../internal/playbook/playbook-schema.ts');
    await context.stdout.write(`${JSON.stringify(playbookJsonSchema(), null, 2)}\n`);
    return 0;
  },
});
