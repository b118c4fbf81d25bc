import { InputError } from '../../../internal/domain/errors.ts';
import { command } from '../command.ts';
import { printJson, printTable, span } from './print.ts';

/** `keruta workflow migrate` */
export const workflowMigrate = command({
  name: 'workflow migrate',
  summary: "Sets which part of a workflow's times goes to the agent; the others run the fallback.",
  description:
    'A new version of the workflow, on record. The same time always takes the same path. A file that the workflow belongs to says its own weight again when it is applied.',
  positionals: { workflow: { doc: 'name or id' } },
  options: {
    weight: { kind: 'string', doc: 'from 0 (never) to 1 (always)', placeholder: 'NUMBER' },
    rollback: { kind: 'bool', doc: 'the same as --weight 0', default: false },
  },
  examples: ['keruta workflow migrate report --weight 0.3', 'keruta workflow migrate report --rollback'],
  run: async (context, values) => {
    if ((values.weight === undefined) === !values.rollback)
      throw new InputError('KERUTA_ERR_USAGE', 'workflow migrate: expected either --weight or --rollback');
    const text = values.weight ?? '0';
    const weight = /^(0|1|0?\.\d{1,9}|[01]\.0{1,9}|0\.\d{1,9})$/.test(text) ? Number(text) : Number.NaN;
    if (!(weight >= 0 && weight <= 1))
      throw new InputError('KERUTA_ERR_BAD_VALUE', `--weight: expected a number from 0 to 1, got "${text}"`);
    const client = await context.makeClient();
    const done = await client.governance.migrate(values.workflow, weight, { signal: context.signal });
    if (context.json) await printJson(context, done);
    else
      await context.stdout.write(
        `${done.workflow}: ${done.before} → ${done.weight} (version ${done.version})\n`,
      );
    return 0;
  },
});

/** `keruta workflow compare` */
export const workflowCompare = command({
  name: 'workflow compare',
  summary: 'Sets the runs of the agent and of the classic script side by side.',
  description: 'Looks at the newest 1000 runs. `fallback` are those of the classic script after the agent.',
  positionals: { workflow: { doc: 'name or id' } },
  options: { since: { kind: 'string', doc: 'only runs from then on, RFC 3339', placeholder: 'INSTANT' } },
  examples: ['keruta workflow compare report', 'keruta workflow compare report --json'],
  run: async (context, values) => {
    const { readInstantOption } = await import('./read-instant.ts');
    const since = values.since === undefined ? null : readInstantOption('--since', values.since);
    const client = await context.makeClient();
    const from = since === null ? null : new Date(since).toISOString();
    const found = await client.governance.compare(values.workflow, from, { signal: context.signal });
    if (context.json) {
      await printJson(context, found);
      return 0;
    }
    const time = (ms: number | null) => (ms === null ? '-' : span(ms));
    const rows = found.sides.map((side) => [
      ...[side.mode, String(side.runs), String(side.succeeded), String(side.failed)],
      side.successRate === null ? '-' : `${Math.round(side.successRate * 1000) / 10} %`,
      ...[time(side.meanDurationMs), time(side.p95DurationMs), side.meanCost ?? '-', side.totalCost],
    ]);
    const titles = ['RUNS', 'GOOD', 'FAILED', 'SUCCESS', 'MEAN', 'P95', 'MEAN USD', 'TOTAL USD'];
    const columns = [{ title: 'ACTION' }, ...titles.map((title) => ({ title, align: 'right' as const }))];
    await printTable(context, columns, rows, 'no runs');
    await context.stderr.write(`weight of the agent: ${found.migrationWeight ?? 'no fallback any more'}\n`);
    return 0;
  },
});
