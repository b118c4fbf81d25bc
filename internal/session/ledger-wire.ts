import type { LedgerEntryWire } from '../api/ledger-shapes.ts';
import type { LedgerEntry } from '../domain/ledger.ts';
import { toInstant, toInstantOrNull } from './wire.ts';

/** An entry of the ledger on the wire. */
export function toLedgerWire(entry: LedgerEntry): LedgerEntryWire {
  const { at, nominalAt, effectiveAt, checks, details, ...rest } = entry;
  return {
    ...rest,
    at: toInstant(at),
    nominalAt: toInstantOrNull(nominalAt),
    effectiveAt: toInstantOrNull(effectiveAt),
    checks: checks.map((check) => ({ ...check })),
    details: { ...details },
  };
}
