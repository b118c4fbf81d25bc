import type { WorkflowDefinition } from '../../../internal/domain/workflow.ts';
import { command } from '../command.ts';
import { printJson } from './print.ts';

/** `keruta workflow export` */
export const workflowExport = command({
  name: 'workflow export',
  summary:
    'Prints a workflow as YAML that apply takes back; fields that have their default are left out, but for retry.',
  positionals: { workflow: { doc: 'name or id' } },
  options: {},
  examples: ['keruta workflow export nightly > nightly.yaml', 'keruta workflow export nightly --json'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const { definition, enabled } = await client.workflows.get(values.workflow, { signal: context.signal });
    const { writeWorkflow } = await import('../../../internal/trigger/write-workflow.ts');
    // the server tells definitions whole, as it holds them
    const written = writeWorkflow(definition as unknown as WorkflowDefinition, enabled);
    if (context.json) await printJson(context, written);
    else {
      const { writeYaml } = await import('./yaml-lines.ts');
      await context.stdout.write(writeYaml(written));
    }
    return 0;
  },
});
