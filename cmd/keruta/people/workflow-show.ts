import type { TaskTemplate } from '../../../internal/domain/workflow.ts';
import { command } from '../command.ts';
import { printFields, printJson } from './print.ts';
import { byWhom } from './trigger-status.ts';

/** `keruta workflow show` */
export const workflowShow = command({
  name: 'workflow show',
  summary: 'Shows one workflow: what it runs, its triggers, and what became of the last times.',
  positionals: { workflow: { doc: 'name or id' } },
  options: {},
  examples: ['keruta workflow show nightly', 'keruta workflow show nightly --json'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const options = { signal: context.signal };
    const workflow = await client.workflows.get(values.workflow, options);
    if (context.json) {
      await printJson(context, workflow);
      return 0;
    }
    const [last] = await client.workflows.occurrences(workflow.name, { limit: 1 }, options);
    const [skipped] = await client.workflows.occurrences(
      workflow.name,
      { limit: 1, decision: 'skipped' },
      options,
    );
    const states = await client.triggers.status(workflow.name, options);
    const { run, overlap, description } = workflow.definition as Record<string, unknown>;
    const { script, kind, context: wanted } = run as TaskTemplate;
    const [firstLine = '', ...otherLines] = script.split('\n');
    await printFields(context, [
      ['name', workflow.name],
      ['description', String(description ?? '')],
      ['version', `${workflow.version}, of ${workflow.updatedAt}, by ${workflow.owner}`],
      ['enabled', workflow.enabled ? 'yes' : 'no'],
      ['session', workflow.session],
      ['overlap', String(overlap)],
      wanted === undefined
        ? ['script', otherLines.length > 0 ? `${firstLine} …` : firstLine]
        : [kind ?? 'agent', wanted.title],
      ...workflow.triggers.map((one): readonly [string, string] => [
        `trigger ${one.name}`,
        [
          one.type === one.name ? '' : one.type,
          Object.keys(one.spec).length === 0 ? '' : JSON.stringify(one.spec),
          one.enabled ? '' : 'disabled',
          one.pausedAt === null ? '' : `held since ${one.pausedAt}${one.hold ? ` ${byWhom(one.hold)}` : ''}`,
          one.nextAt === null ? '' : `next ${one.nextAt}`,
        ]
          .filter((part) => part !== '')
          .join('; ') || 'by hand',
      ]),
      ...states
        .filter(({ why, fallingBehind }) => why !== null || fallingBehind !== null)
        .map((one): readonly [string, string] => [
          `why not ${one.trigger}`,
          `${one.why ?? ''}${one.fallingBehind === null ? '' : ' (it falls behind)'}`.trim(),
        ]),
      ['last', last === undefined ? 'never' : `${last.decidedAt} ${last.decision} (${last.reason})`],
      ['last skipped', skipped === undefined ? null : `${skipped.decidedAt} (${skipped.reason})`],
    ]);
    return 0;
  },
});
