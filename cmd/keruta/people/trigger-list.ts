import type { TriggerWire } from '../../../internal/api/workflow-shapes.ts';
import { type CommandContext, command } from '../command.ts';
import { printJson, printTable, shortId } from './print.ts';

/** `keruta trigger list` */
export const triggerList = command({
  name: 'trigger list',
  summary: 'Lists the triggers of all workflows, the next to fall due first.',
  positionals: {},
  options: {},
  examples: ['keruta trigger list'],
  run: (context) => list(context, () => true),
});

/** `keruta schedule list` */
export const scheduleList = command({
  name: 'schedule list',
  summary: 'Lists the triggers that fall due by time, the next one first.',
  positionals: {},
  options: {},
  examples: ['keruta schedule list'],
  run: (context) => list(context, ({ type }) => type === 'cron' || type === 'interval'),
});

async function list(context: CommandContext, isMeant: (one: TriggerWire) => boolean): Promise<number> {
  const client = await context.makeClient();
  const workflows = await client.workflows.list({ signal: context.signal });
  const last = '~';
  const triggers = workflows
    .flatMap((one) => one.triggers)
    .filter(isMeant)
    .sort((a, b) => ((a.nextAt ?? last) < (b.nextAt ?? last) ? -1 : 1));
  if (context.json) {
    await printJson(context, triggers);
    return 0;
  }
  const columns = [
    { title: 'WORKFLOW', shrinks: true },
    { title: 'TRIGGER' },
    { title: 'TYPE' },
    { title: 'STATE', shrinks: true },
    { title: 'NEXT' },
    { title: 'SPEC', shrinks: true },
  ];
  const rows = triggers.map((one) => [
    one.workflow,
    one.name,
    one.type,
    stateOf(one),
    one.nextAt ?? '-',
    Object.keys(one.spec).length === 0 ? '' : JSON.stringify(one.spec),
  ]);
  await printTable(context, columns, rows, 'no triggers; workflows bring them: keruta apply -f FILE');
  return 0;
}

/** In a word, and for one that is held why. */
function stateOf({ pausedAt, enabled, hold }: TriggerWire): string {
  if (pausedAt === null) return enabled ? 'awake' : 'disabled';
  return hold ? `held: ${hold.reason === '' ? `by ${shortId(hold.by)}` : hold.reason}` : 'held';
}
