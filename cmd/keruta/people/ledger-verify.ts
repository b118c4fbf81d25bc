import type { LedgerVerdictWire } from '../../../internal/api/ledger-shapes.ts';
import { command } from '../command.ts';
import { printJson } from './print.ts';

/** `keruta ledger verify` */
export const ledgerVerify = command({
  name: 'ledger verify',
  summary:
    'Looks whether anybody changed, removed, moved or put in rows of the ledger; names the first that is bad.',
  positionals: {},
  options: {},
  examples: ['keruta ledger verify', 'keruta ledger verify --json'],
  exits: { 1: 'a row is bad; it is named' },
  run: async (context) => {
    const client = await context.makeClient();
    let looked = 0;
    let verdict: LedgerVerdictWire | null = null;
    do {
      verdict = await client.ledger.verify(verdict?.place ?? null, { signal: context.signal });
      looked += verdict.looked;
    } while (!verdict.done);
    const { fault, place, unsealed, base } = verdict;
    const isGood = fault === null;
    if (context.json) {
      await printJson(context, { good: isGood, rows: looked, fault, place, unsealed, base });
      return isGood ? 0 : 1;
    }
    if (fault !== null) {
      await context.stdout.write(
        `BAD: ${fault.message}\n${looked} rows before it are good, up to row ${place.seq} ${place.hash}\n`,
      );
      return 1;
    }
    const waiting = unsealed === 0 ? '' : `; ${unsealed} more are not sealed yet`;
    const dropped = base.seq === 0 ? '' : `; rows up to ${base.seq} were dropped, and are accounted for`;
    await context.stdout.write(
      `good: ${looked} rows, the newest ${place.seq} ${place.hash}${waiting}${dropped}\n`,
    );
    return 0;
  },
});
