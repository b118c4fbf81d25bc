import { command } from '../command.ts';
import { limitFields } from './limit-fields.ts';
import { printFields, printJson } from './print.ts';
import { fieldsOf } from './trigger-status.ts';

/** `keruta workflow status` */
export const workflowStatus = command({
  name: 'workflow status',
  summary:
    'Tells how a workflow does: what comes next, how the last runs went, what they cost, what limits leave, and why it did not run.',
  positionals: { workflow: { doc: 'name or id' } },
  options: {},
  examples: ['keruta workflow status nightly', 'keruta workflow status nightly --json'],
  exits: { 1: 'one of its triggers is overdue' },
  run: async (context, values) => {
    const client = await context.makeClient();
    const all = await client.triggers.status(values.workflow, { signal: context.signal });
    if (context.json) await printJson(context, all);
    else {
      // that it can be fired by hand is nothing new, as long as nobody did
      const told = all.filter(({ type, lastRun }) => type !== 'manual' || lastRun !== null);
      for (const [n, one] of (told.length === 0 ? all : told).entries()) {
        if (n > 0) await context.stdout.write('\n');
        await printFields(context, fieldsOf(one));
      }
      const limits = all.slice(0, 1).flatMap(limitFields);
      if (limits.length > 0) {
        await context.stdout.write('\n');
        await printFields(context, limits);
      }
    }
    return all.some(({ overdue }) => overdue) ? 1 : 0;
  },
});
