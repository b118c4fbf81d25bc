import { z } from 'zod';
import { apiPath } from '../base-url.ts';
import {
  type LedgerEntryWire,
  type LedgerPageWire,
  type LedgerVerdictWire,
  ledgerEntryShape,
  ledgerPageShape,
  ledgerVerdictShape,
} from '../ledger-shapes.ts';
import type { CallOptions, Transport } from './transport.ts';

/** Which entries are wanted; absent = any. */
export interface LedgerWish {
  readonly workflow?: string | undefined;
  readonly trigger?: string | undefined;
  /** one or several, with commas between */
  readonly status?: string | undefined;
  readonly kind?: string | undefined;
  /** RFC 3339 */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** 1 to 100 */
  readonly limit: number;
  readonly before?: string | undefined;
}

/** Calls about the ledger. */
export interface LedgerCalls {
  /** One page, the newest entry first. */
  page(wish: LedgerWish, options?: CallOptions): Promise<LedgerPageWire>;
  /** One entry, or the steps of an execution. @throws {NotFoundError} KERUTA_ERR_LEDGER_ENTRY_NOT_FOUND */
  show(id: string, options?: CallOptions): Promise<LedgerEntryWire[]>;
  /** Looks at a part of the chain. @param after  where the part before ended */
  verify(
    after: { readonly seq: number; readonly hash: string } | null,
    options?: CallOptions,
  ): Promise<LedgerVerdictWire>;
}

/** @see LedgerCalls */
export function ledgerCalls(transport: Transport): LedgerCalls {
  return {
    page: ({ limit, ...wish }, options) => {
      const given = Object.entries(wish).filter(([, value]) => value !== undefined);
      const query = { ...Object.fromEntries(given as [string, string][]), limit: String(limit) };
      return transport.json({ method: 'GET', path: apiPath('ledger'), query, ...options }, ledgerPageShape);
    },
    show: (id, options) => {
      const notFound = 'KERUTA_ERR_LEDGER_ENTRY_NOT_FOUND' as const;
      const call = { method: 'GET', path: apiPath('ledger', id), notFound, ...options } as const;
      return transport.json(call, z.array(ledgerEntryShape));
    },
    verify: (after, options) => {
      const query = after === null ? {} : { afterSeq: String(after.seq), afterHash: after.hash };
      const call = { method: 'GET', path: apiPath('ledger', 'verify'), query, ...options } as const;
      return transport.json(call, ledgerVerdictShape);
    },
  };
}
