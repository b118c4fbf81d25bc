import { type AnyCommand, command } from '../command.ts';
import { printJson } from './print.ts';

const positionals = {
  workflow: { doc: 'name or id' },
  trigger: { doc: 'one of its triggers; not needed when it has one only', optional: true },
} as const;

/** `keruta trigger pause` */
export const triggerPause: AnyCommand = command({
  name: 'trigger pause',
  summary: 'Holds a trigger: what falls due meanwhile is not run.',
  positionals,
  options: { reason: { kind: 'string', doc: 'why; shown to whoever asks why it does not run' } },
  examples: ['keruta trigger pause nightly', 'keruta trigger pause nightly --reason "the disk is full"'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const held = await client.workflows.pause(
      values.workflow,
      { trigger: values.trigger, reason: values.reason },
      { signal: context.signal },
    );
    if (context.json) await printJson(context, held);
    else await context.stdout.write(`${held.workflow}/${held.name} is held since ${held.pausedAt}\n`);
    return 0;
  },
});

/** `keruta trigger resume` */
export const triggerResume: AnyCommand = command({
  name: 'trigger resume',
  summary: 'Lets a trigger go on; what it let pass is not run, unless --catch-up says so.',
  positionals,
  options: {
    'catch-up': {
      kind: 'bool',
      doc: 'makes good what fell due meanwhile, as the workflow’s catchUp says',
      default: false,
    },
  },
  examples: ['keruta trigger resume nightly', 'keruta trigger resume nightly --catch-up'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const how = { trigger: values.trigger, catchUp: values['catch-up'] };
    const awake = await client.workflows.resume(values.workflow, how, { signal: context.signal });
    if (context.json) await printJson(context, awake);
    else
      await context.stdout.write(
        `${awake.workflow}/${awake.name} goes on; next ${awake.nextAt ?? 'not by time'}\n`,
      );
    return 0;
  },
});
