import { InputError } from '../../../internal/domain/errors.ts';
import { command } from '../command.ts';
import { printJson, shortId } from './print.ts';

/** `keruta trigger backfill` */
export const triggerBackfill = command({
  name: 'trigger backfill',
  summary: 'Runs what a trigger by time should have run in a range; the same range again runs nothing.',
  description:
    'The runs wait in the queue of their session, one behind the other, the oldest first; at most 100 of a trigger wait, and the ' +
    'same command goes on where that ended. --cancel takes back what still waits.',
  positionals: {
    workflow: { doc: 'name or id' },
    trigger: { doc: 'one of its triggers; not needed when it has one only', optional: true },
  },
  options: {
    from: { kind: 'string', doc: 'first instant, inclusive, RFC 3339', placeholder: 'INSTANT' },
    to: { kind: 'string', doc: 'last instant, exclusive, RFC 3339; default: now', placeholder: 'INSTANT' },
    all: { kind: 'bool', doc: 'also what has run, once more', default: false },
    'dry-run': { kind: 'bool', doc: 'shows what would run, and runs nothing', default: false },
    cancel: { kind: 'bool', doc: 'cancels the runs of backfills that wait', default: false },
    id: { kind: 'string', doc: 'with --cancel: only of this backfill', placeholder: 'ID' },
  },
  examples: [
    'keruta trigger backfill nightly --from 2026-03-01T00:00:00Z --to 2026-03-08T00:00:00Z --dry-run',
    'keruta trigger backfill nightly --cancel',
  ],
  run: async (context, values) => {
    const client = await context.makeClient();
    const options = { signal: context.signal };
    const { workflow, trigger } = values;
    if (values.cancel) {
      const cancelled = await client.triggers.cancelBackfill(workflow, { trigger, id: values.id }, options);
      if (context.json) await printJson(context, { cancelled });
      else await context.stdout.write(`${cancelled.length} waiting runs cancelled\n`);
      return 0;
    }
    if (values.from === undefined)
      throw new InputError('KERUTA_ERR_USAGE', 'expected --from INSTANT, or --cancel');
    const { readInstantOption } = await import('./read-instant.ts');
    const from = readInstantOption('--from', values.from);
    const to = values.to === undefined ? context.clock.now() : readInstantOption('--to', values.to);
    const range = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
    const how = { onlyMissing: !values.all, dryRun: values['dry-run'] };
    const body = { ...(trigger === undefined ? {} : { trigger }), ...range, ...how };
    const done = await client.triggers.backfill(workflow, body, options);
    if (context.json) {
      await printJson(context, done);
      return 0;
    }
    for (const { nominalAt, state, taskId } of done.instants)
      if (state !== 'ran')
        await context.stdout.write(
          `${nominalAt}  ${state}${taskId === null ? '' : `  ${shortId(taskId)}`}\n`,
        );
    const verb = done.dryRun ? 'would run' : 'run';
    await context.stderr.write(
      `${done.run} ${verb}, ${done.ran} had run, ${done.left} left for another call${done.dryRun ? '' : `; backfill ${done.id}`}\n`,
    );
    return 0;
  },
});
