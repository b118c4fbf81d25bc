/** The ledger, on the wire. Durations are ms, money micro-dollars. */
import { z } from 'zod';
import { ledgerStatuses } from '../domain/ledger.ts';

const instant = z.iso.datetime({ offset: true });
const textOrNull = z.string().nullable();
const numberOrNull = z.number().nullable();

/** One thing that was looked at before an execution was allowed. */
const checkShape = z.looseObject({ name: z.string(), passed: z.boolean() });

/** One entry. */
export const ledgerEntryShape = z.object({
  id: z.string(),
  at: instant,
  kind: z.string(),
  executionId: textOrNull,
  workflowId: textOrNull,
  workflow: textOrNull,
  version: numberOrNull,
  triggerId: textOrNull,
  trigger: textOrNull,
  source: textOrNull,
  eventId: textOrNull,
  nominalAt: instant.nullable(),
  effectiveAt: instant.nullable(),
  decision: textOrNull,
  mode: textOrNull,
  reason: textOrNull,
  checks: z.array(checkShape),
  status: z.enum(ledgerStatuses).nullable(),
  taskId: textOrNull,
  attempts: numberOrNull,
  delayMs: numberOrNull,
  durationMs: numberOrNull,
  costMicros: numberOrNull,
  llmCalls: numberOrNull,
  tokensIn: numberOrNull,
  tokensOut: numberOrNull,
  errorClass: textOrNull,
  error: textOrNull,
  actor: z.string(),
  /** absent from older servers */
  address: textOrNull.default(null),
  details: z.record(z.string(), z.unknown()),
});
/** @see ledgerEntryShape */
export type LedgerEntryWire = z.output<typeof ledgerEntryShape>;

/** A page of the ledger, the newest entry first. */
export const ledgerPageShape = z.object({
  entries: z.array(ledgerEntryShape),
  /** what `before` is for the next page; null = there is none */
  next: textOrNull,
});
/** @see ledgerPageShape */
export type LedgerPageWire = z.output<typeof ledgerPageShape>;

/** Most entries of one page. */
export const maxLedgerPage = 100;

/** Which entries are wanted. */
export const ledgerQuery = z.object({
  /** name or id; the name also of one that is gone */
  workflow: z.string().min(1).max(200).optional(),
  /** name or id */
  trigger: z.string().min(1).max(200).optional(),
  /** one or several, with commas between */
  status: z
    .string()
    .transform((text) => text.split(',').map((one) => one.trim().toUpperCase()))
    .pipe(z.array(z.enum(ledgerStatuses)).min(1))
    .optional(),
  kind: z.string().min(1).max(100).optional(),
  execution: z.string().min(1).max(100).optional(),
  /** inclusive */
  since: instant.optional(),
  /** exclusive */
  until: instant.optional(),
  limit: z.coerce.number().int().min(1).max(maxLedgerPage).default(50),
  /** id of the last entry of the page before */
  before: z.string().min(1).max(100).optional(),
});

/** Where a look at the chain goes on. */
export const ledgerVerifyQuery = z
  .object({
    afterSeq: z.coerce.number().int().min(0).optional(),
    afterHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
  })
  .refine(
    ({ afterSeq, afterHash }) => (afterSeq === undefined) === (afterHash === undefined),
    'afterSeq and afterHash go together',
  );

const placeShape = z.object({ seq: z.number(), hash: z.string() });

/** What a look at a part of the chain found. */
export const ledgerVerdictShape = z.object({
  /** the last row that is good; the next call goes on behind it */
  place: placeShape,
  looked: z.number(),
  /** false: there is more to look at */
  done: z.boolean(),
  fault: z
    .object({
      seq: z.number(),
      /** null: no row is there */
      id: textOrNull,
      fault: z.enum(['changed', 'removed', 'inserted']),
      message: z.string(),
    })
    .nullable(),
  /** rows that are not in the chain yet */
  unsealed: z.number(),
  /** behind which the chain begins */
  base: placeShape,
});
/** @see ledgerVerdictShape */
export type LedgerVerdictWire = z.output<typeof ledgerVerdictShape>;
