import { command } from '../command.ts';
import { printJson, printTable } from './print.ts';

/** `keruta workflow list` */
export const workflowList = command({
  name: 'workflow list',
  summary: 'Lists the workflows, and when each falls due next.',
  positionals: {},
  options: {},
  examples: ['keruta workflow list'],
  run: async (context) => {
    const client = await context.makeClient();
    const workflows = await client.workflows.list({ signal: context.signal });
    if (context.json) {
      await printJson(context, workflows);
      return 0;
    }
    const columns = [
      { title: 'NAME', shrinks: true },
      { title: 'VERSION', align: 'right' as const },
      { title: 'SESSION' },
      { title: 'TRIGGERS' },
      { title: 'NEXT' },
      { title: 'OWNER', shrinks: true },
    ];
    const rows = workflows.map((one) => {
      const next = one.triggers.map(({ nextAt }) => nextAt).filter((at) => at !== null);
      const types = one.triggers.map(({ type, pausedAt }) => (pausedAt === null ? type : `${type} (held)`));
      const state = one.enabled ? (next.toSorted()[0] ?? '-') : 'disabled';
      return [one.name, String(one.version), one.session, types.join(', '), state, one.owner];
    });
    await printTable(context, columns, rows, 'no workflows; make some with: keruta apply -f FILE');
    return 0;
  },
});
