import type { LedgerVerdictWire } from '../../../internal/api/ledger-shapes.ts';
import { InputError } from '../../../internal/domain/errors.ts';
import { command } from '../command.ts';
import { printJson } from './print.ts';

/** `keruta ledger verify` */
export const ledgerVerify = command({
  name: 'ledger verify',
  summary:
    'Looks whether anybody changed, removed, moved or put in rows of the ledger; names the first that is bad.',
  positionals: {},
  options: {
    after: {
      kind: 'string',
      doc: 'only what is behind this row, which must still be as it was: its number and hash, as they were told then',
      placeholder: 'NUMBER:HASH',
    },
  },
  examples: ['keruta ledger verify', 'keruta ledger verify --json'],
  exits: { 1: 'a row is bad; it is named' },
  run: async (context, values) => {
    const after = values.after === undefined ? null : readPlace(values.after);
    const client = await context.makeClient();
    let looked = 0;
    let verdict: LedgerVerdictWire | null = null;
    do {
      verdict = await client.ledger.verify(verdict?.place ?? after, { signal: context.signal });
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
        `BAD: ${fault.message}\n${looked} rows before it are good, up to row ${place.seq}:${place.hash}\n`,
      );
      return 1;
    }
    const waiting = unsealed === 0 ? '' : `; ${unsealed} more are not sealed yet`;
    const dropped = base.seq === 0 ? '' : `; rows up to ${base.seq} were dropped, and are accounted for`;
    await context.stdout.write(
      `good: ${looked} rows, the newest ${place.seq}:${place.hash}${waiting}${dropped}\n`,
    );
    return 0;
  },
});

/** @throws {InputError} KERUTA_ERR_BAD_VALUE */
function readPlace(text: string): { readonly seq: number; readonly hash: string } {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq !== undefined && hash !== undefined) return { seq: Number(seq), hash };
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `--after: expected NUMBER:HASH as \`keruta ledger verify\` tells it, got ${text.slice(0, 100)}`,
  );
}
