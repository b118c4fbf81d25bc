import { command } from '../command.ts';
import { detailsText } from './details-text.ts';
import { printJson, printTable, shortId } from './print.ts';

/** `keruta trigger history` */
export const triggerHistory = command({
  name: 'trigger history',
  summary: 'Lists every time that a workflow fell due, newest first: what ran, and why the rest did not.',
  positionals: {
    workflow: { doc: 'name or id' },
    trigger: { doc: 'one of its triggers; all when left out', optional: true },
  },
  options: {
    decision: { kind: 'enum', choices: ['run', 'skipped'], doc: 'only those that ran, or did not' },
    dead: {
      kind: 'bool',
      doc: 'only runs that failed for good, after all their attempts, and that were not redriven',
      default: false,
    },
    limit: { kind: 'int', doc: 'how many', default: 20, range: [1, 10_000] },
  },
  examples: [
    'keruta trigger history nightly',
    'keruta trigger history nightly --decision skipped --json',
    'keruta trigger history nightly --dead',
  ],
  run: async (context, values) => {
    const client = await context.makeClient();
    const filter = {
      limit: values.limit,
      ...(values.trigger === undefined ? {} : { trigger: values.trigger }),
      ...(values.dead ? { dead: true } : {}),
      ...(values.decision === undefined ? {} : { decision: values.decision as 'run' | 'skipped' }),
    };
    const found = await client.workflows.occurrences(values.workflow, filter, { signal: context.signal });
    if (context.json) {
      await printJson(context, found);
      return 0;
    }
    const columns = [
      { title: 'NOMINAL' },
      { title: 'SOURCE' },
      { title: 'DECISION' },
      { title: 'REASON' },
      { title: 'LATE', align: 'right' as const },
      { title: 'TASK' },
      { title: 'DETAILS', shrinks: true },
    ];
    const rows = found.map((one) => [
      one.nominalAt,
      one.source,
      one.decision,
      one.reason,
      `${one.delayMs}ms`,
      one.taskId === null ? '-' : shortId(one.taskId),
      detailsText(one.details),
    ]);
    await printTable(context, columns, rows, values.dead ? 'nothing failed for good' : 'it never fell due');
    return 0;
  },
});
