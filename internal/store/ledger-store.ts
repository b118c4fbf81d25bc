/**
 * The part of the port that is about the ledger. Laws beyond those of store.ts, each a test of the contract suite:
 * - an entry is never changed, and goes only by `dropLedger`, oldest first: the database itself refuses anything else;
 * - entries are written unsealed, so that those who write at once do not wait for each other, and sealed later, in one
 *   order, by whoever has `takeLedger`.
 */
import type { LedgerEntry, LedgerStatus } from '../domain/ledger.ts';
import type { ChainPlace, SealedRow } from '../domain/ledger-chain.ts';

/** Filters for lists of entries; absent = any. */
export interface LedgerFilter {
  /** its name, also when it is gone */
  readonly workflow?: string;
  /** its name, or its id */
  readonly trigger?: string;
  readonly triggerId?: string;
  readonly executionId?: string;
  readonly taskId?: string;
  readonly statuses?: readonly LedgerStatus[];
  readonly kind?: string;
  /** inclusive; epoch ms */
  readonly from?: number;
  /** exclusive; epoch ms */
  readonly to?: number;
}

/** A row of the chain as it lies in the table. */
export interface LedgerRow extends SealedRow {
  readonly at: number;
  /** columns that do not say what the body says: somebody changed them */
  readonly strayed: readonly string[];
}

/** Where the chain is. */
export interface LedgerEnds {
  /** of the newest sealed row */
  readonly head: ChainPlace;
  /** of the newest row that was dropped: what is there begins behind it */
  readonly base: ChainPlace;
}

/** What may be asked about the ledger. */
export interface LedgerReads {
  ledgerEntry(id: string): Promise<LedgerEntry | null>;
  /** Newest first. @param page.before  id of the last entry of the page before; absent = from the newest on */
  ledger(
    filter: LedgerFilter,
    page: { readonly limit: number; readonly before?: string },
  ): Promise<LedgerEntry[]>;
  /** Sum of the costs of entries; micro-dollars. */
  ledgerCost(filter: LedgerFilter): Promise<number>;
  /** Id of the newest entry of a workflow; null when there is none. */
  newestLedgerId(workflow: string): Promise<string | null>;
  ledgerEnds(): Promise<LedgerEnds>;
  /** Sealed rows in the order of the chain, from the one behind `after` on. */
  ledgerRows(after: number, limit: number): Promise<LedgerRow[]>;
  /** Rows that are not sealed, the oldest first. */
  unsealedLedger(
    limit: number,
  ): Promise<{ readonly id: string; readonly at: number; readonly body: string }[]>;
  countUnsealedLedger(): Promise<number>;
}

/** What may be written about it. */
export interface LedgerWrites {
  /** Takes the chain until the transaction ends; false when another server has it. */
  takeLedger(): Promise<boolean>;
  /** Their bodies are canonical JSON without what is null. At most `maxRowsAtOnce`. */
  insertLedger(entries: readonly LedgerEntry[]): Promise<void>;
  /** Gives unsealed rows their place, and moves the head behind the last. At most 1000; none = nothing is done. */
  sealLedger(rows: readonly SealedRow[]): Promise<void>;
  /** Removes every row up to this place, which is the base from now on. */
  dropLedger(upTo: ChainPlace): Promise<void>;
}
