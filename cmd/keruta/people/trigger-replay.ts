import { command } from '../command.ts';
import { printJson } from './print.ts';

/** `keruta trigger replay` */
export const triggerReplay = command({
  name: 'trigger replay',
  summary: 'Fires an event that is kept once more: a delivery, a message, a file.',
  description:
    'With the workflow as it is now; its filter was asked before and is not asked again. `trigger history --json` names the events.',
  positionals: {
    workflow: { doc: 'name or id' },
    event: { doc: 'id of the event, or of a task that it made' },
  },
  options: {
    force: {
      kind: 'bool',
      doc: 'also when it is held, disabled, or a task of it is under way',
      default: false,
    },
  },
  examples: ['keruta trigger replay deploy 0198f3c1-7d02-7000-8000-3f2a9c01b5de'],
  exits: { 1: 'it was put on record and not run' },
  run: async (context, { workflow, event, force }) => {
    const client = await context.makeClient();
    const key = context.random.uuid4();
    const options = { signal: context.signal };
    const fired = await client.triggers.replay(workflow, { event, force }, key, options);
    if (context.json) await printJson(context, fired);
    else if (fired.taskId !== null) await context.stdout.write(`${fired.taskId}\n`);
    else await context.stderr.write(`not run: ${fired.reason}\n`);
    return fired.decision === 'run' ? 0 : 1;
  },
});
