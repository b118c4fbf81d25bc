import type { Kept, SlotStatus } from '../../../internal/pool/pool.ts';
import { command } from '../command.ts';
import { printJson, printTable, span, styleOf } from './print.ts';

/** `keruta slot list` */
export const slotList = command({
  name: 'slot list',
  summary: 'Lists the slots of this machine’s repository pool, and what was found in slots and kept.',
  positionals: {},
  options: {},
  examples: ['keruta slot list', 'keruta slot list --json'],
  run: async (context) => {
    const { personsPool } = await import('../roles/pool-of.ts');
    const pool = await personsPool(context, await context.settings());
    const listing = await pool.list();
    if (context.json) {
      await printJson(context, listing);
      return 0;
    }
    const { green, yellow } = styleOf(context);
    await printTable(
      context,
      [
        { title: 'SLOT' },
        {
          title: 'STATE',
          paint: (cell) => (cell === 'free' ? green(cell) : cell === 'abandoned' ? yellow(cell) : cell),
        },
        { title: 'FOR', shrinks: true },
        { title: 'LEFT', align: 'right' },
        { title: 'COMMIT' },
        { title: 'PATH', shrinks: true },
      ],
      listing.slots.map((slot) => rowOf(slot, context.clock.now())),
      'no slots; get one: keruta slot allocate URL',
    );
    if (listing.kept.length > 0) await context.stdout.write(keptLines(listing.kept));
    return 0;
  },
});

function rowOf(slot: SlotStatus, now: number): readonly string[] {
  const left =
    slot.leaseUntil === null || slot.state !== 'leased' ? '-' : span(Math.max(0, slot.leaseUntil - now));
  return [slot.id, slot.state, slot.requiredBy ?? '-', left, slot.commit?.slice(0, 10) ?? '-', slot.path];
}

/** One line for each thing that was kept: what it is, and how it is looked at. */
export function keptLines(kept: readonly Kept[]): string {
  return kept
    .map(({ slotId, ref, path, what }) => {
      const how = ref === null ? path : `git --git-dir=${path} show --stat ${ref}`;
      return `kept of ${slotId}: ${what}; see: ${how}\n`;
    })
    .join('');
}
