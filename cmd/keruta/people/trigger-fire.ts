import { command } from '../command.ts';
import { isConfirmed } from '../confirm.ts';
import { detailsText } from './details-text.ts';
import { printJson } from './print.ts';

/** `keruta trigger fire` */
export const triggerFire = command({
  name: 'trigger fire',
  summary: 'Fires a workflow now, by hand.',
  positionals: { workflow: { doc: 'name or id' } },
  options: {
    trigger: {
      kind: 'string',
      doc: 'one of its triggers; the manual one when left out',
      placeholder: 'NAME',
    },
    param: {
      kind: 'list',
      doc: 'a parameter of the script; may be given more than once',
      placeholder: 'NAME=VALUE',
    },
    params: { kind: 'string', doc: 'parameters as a JSON object', placeholder: 'JSON' },
    at: { kind: 'string', doc: 'as if at this instant, RFC 3339', placeholder: 'INSTANT' },
    confirm: {
      kind: 'string',
      doc: 'the token that the first call gave, for a trigger that wants a confirmation',
      placeholder: 'TOKEN',
    },
    force: {
      kind: 'bool',
      doc: 'also when it is held, disabled, or a task of it is under way',
      default: false,
    },
  },
  examples: ['keruta trigger fire nightly', 'keruta trigger fire report --param month=2026-10'],
  exits: { 1: 'it was put on record and not run, or it waits for a confirmation' },
  run: async (context, values) => {
    const client = await context.makeClient();
    const { parametersOf } = await import('./submit.ts');
    const { readInstantOption } = await import('./read-instant.ts');
    const at = values.at === undefined ? null : readInstantOption('--at', values.at);
    const body = {
      ...(values.trigger === undefined ? {} : { trigger: values.trigger }),
      parameters: parametersOf(values),
      ...(at === null ? {} : { at: new Date(at).toISOString() }),
      force: values.force,
    };
    const key = context.random.uuid4();
    const fire = (confirmation: string | undefined) =>
      client.triggers.fire(
        values.workflow,
        { ...body, ...(confirmation === undefined ? {} : { confirmation }) },
        key,
        { signal: context.signal },
      );
    let fired = await fire(values.confirm);
    if ('confirmation' in fired && (await isConfirmed(context, `Fire ${values.workflow}/${fired.trigger}?`)))
      fired = await fire(fired.confirmation);
    if ('confirmation' in fired) {
      if (context.json) await printJson(context, fired);
      else await context.stdout.write(`${fired.confirmation}\n`);
      await context.stderr.write(`not run: say it again with --confirm TOKEN before ${fired.expiresAt}\n`);
      return 1;
    }
    if (context.json) await printJson(context, fired);
    else if (fired.taskId !== null) await context.stdout.write(`${fired.taskId}\n`);
    else await context.stderr.write(`not run: ${fired.reason}${describe(fired.details)}\n`);
    return fired.decision === 'run' ? 0 : 1;
  },
});

function describe(details: Readonly<Record<string, unknown>>): string {
  const text = detailsText(details);
  return text === '' ? '' : `: ${text}`;
}
