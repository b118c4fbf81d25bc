import { command } from '../command.ts';
import { ago, printJson, printTable } from './print.ts';

const positionals = { approval: { doc: 'id, as `keruta approval list` shows it' } } as const;

/** `keruta approval list` */
export const approvalList = command({
  name: 'approval list',
  summary: 'Lists runs that wait for somebody to say yes, newest first.',
  positionals: {},
  options: { all: { kind: 'bool', doc: 'also those that were decided, or expired', default: false } },
  examples: ['keruta approval list', 'keruta approval list --all --json'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const found = await client.governance.approvals({ isAll: values.all }, { signal: context.signal });
    if (context.json) {
      await printJson(context, found);
      return 0;
    }
    const rows = found.map((one) => [
      ...[one.id, one.workflow, one.role, ago(context, one.createdAt), one.expiresAt, one.state],
      Object.keys(one.parameters).length === 0 ? '' : JSON.stringify(one.parameters),
    ]);
    const titles = ['ID', 'WORKFLOW', 'ROLE', 'AGE', 'EXPIRES', 'STATE', 'PARAMETERS'];
    const columns = titles.map((title) => ({ title, ...(title === 'PARAMETERS' ? { shrinks: true } : {}) }));
    await printTable(context, columns, rows, 'nothing waits for approval');
    return 0;
  },
});

/** `keruta approval approve` */
export const approvalApprove = command({
  name: 'approval approve',
  summary: 'Says yes to a run that waits for it; it starts.',
  description: 'It takes a token of the role that is asked: `keruta token create --role ROLE`.',
  positionals,
  options: {},
  examples: ['keruta approval approve 0198b6f0-7c1e-7000-8000-2b7c5d1f9a10'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const done = await client.governance.approve(values.approval, { signal: context.signal });
    if (context.json) await printJson(context, done);
    else if (done.taskId !== null) await context.stdout.write(`${done.taskId}\n`);
    else await context.stderr.write(`approved; now the role ${done.next?.role} is asked: ${done.next?.id}\n`);
    return 0;
  },
});

/** `keruta approval deny` */
export const approvalDeny = command({
  name: 'approval deny',
  summary: 'Says no to a run that waits for a yes; it stays on record as not run.',
  positionals,
  options: {},
  examples: ['keruta approval deny 0198b6f0-7c1e-7000-8000-2b7c5d1f9a10'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const denied = await client.governance.deny(values.approval, { signal: context.signal });
    if (context.json) await printJson(context, denied);
    else await context.stdout.write(`${denied.id} ${denied.state}\n`);
    return 0;
  },
});
