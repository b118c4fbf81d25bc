import { command } from '../command.ts';
import { printJson } from './print.ts';
import { keptLines } from './slot-list.ts';

/** `keruta slot release` */
export const slotRelease = command({
  name: 'slot release',
  summary: 'Returns a slot to the pool of this machine, and cleans it.',
  description:
    'Changed and new files, commits and stashes that the repository does not have are kept first, and told. Ignored files ' +
    'stay in the slot.',
  positionals: { slot: { doc: 'id of the slot, as `keruta slot list` shows it' } },
  options: {
    lease: { kind: 'string', doc: 'only when this lease of it holds still' },
    force: { kind: 'bool', default: false, doc: 'take it also from a process that is alive' },
  },
  examples: ['keruta slot release site-0a1b2c3d4e5f-1'],
  run: async (context, values) => {
    const { personsPool } = await import('../roles/pool-of.ts');
    const pool = await personsPool(context, await context.settings());
    const released = await pool.release({
      id: values.slot,
      force: values.force,
      signal: context.signal,
      ...(values.lease === undefined ? {} : { lease: values.lease }),
    });
    if (context.json) await printJson(context, released);
    else {
      const how = released.wasFree ? 'was free already' : 'is free';
      await context.stdout.write(`${released.id} ${how}\n${keptLines(released.kept)}`);
    }
    return 0;
  },
});
