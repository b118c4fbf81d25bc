/** How triggers are, and what is done with them beyond holding them, on the wire. */
import { z } from 'zod';
import { holdShape, occurrenceShape } from './workflow-shapes.ts';

const instant = z.iso.datetime({ offset: true });
const instantOrNull = instant.nullable();

/** How one trigger is. Durations are ms. */
export const triggerStatusShape = z.object({
  workflow: z.string(),
  trigger: z.string(),
  triggerId: z.string(),
  type: z.string(),
  enabled: z.boolean(),
  state: z.enum(['awake', 'held', 'disabled', 'ended']),
  pausedAt: instantOrNull,
  /** the widest that it is under */
  hold: holdShape.nullable().optional(),
  /** IANA name; null when it does not fall due by time */
  zone: z.string().nullable(),
  /** the next five; `local` is the clock on the wall of the zone */
  next: z.array(z.object({ at: instant, local: z.string() })),
  lastRun: z
    .object({
      at: instant,
      nominalAt: instant,
      taskId: z.string().nullable(),
      /** null: the task is gone */
      status: z.string().nullable(),
      durationMs: z.number().nullable(),
    })
    .nullable(),
  /** of the last that ended, at most 100; the rate is 0 to 1, of those that were not cancelled */
  runs: z.object({
    count: z.number(),
    successRate: z.number().nullable(),
    meanDurationMs: z.number().nullable(),
    p95DurationMs: z.number().nullable().optional(),
    /** micro-dollars since the day began in its zone */
    costTodayMicros: z.number().optional(),
    /** what was looked at before the newest decision, with limits and what was used of them */
    checks: z.array(z.looseObject({ name: z.string(), passed: z.boolean() })).optional(),
  }),
  lastSkip: z
    .object({ at: instant, reason: z.string(), details: z.record(z.string(), z.unknown()) })
    .nullable(),
  /** why nothing ran the last time, or will now */
  why: z.string().nullable(),
  fallingBehind: z
    .object({
      skipped: z.number(),
      of: z.number(),
      medianDurationMs: z.number().nullable(),
      medianIntervalMs: z.number().nullable(),
    })
    .nullable(),
  /** two instants or more passed that nobody decided */
  overdue: z.boolean(),
  /** of every policy that holds for its workflow, as they are now; money is spent and reserved */
  limits: z
    .array(
      z.object({
        name: z.enum(['runs_per_hour', 'runs_per_day', 'cost_per_day', 'concurrency']),
        scope: z.enum(['workflow', 'session', 'global']),
        unit: z.enum(['runs', 'micro-dollars', 'tasks']),
        limit: z.number(),
        used: z.number(),
        left: z.number(),
      }),
    )
    .optional(),
  /** of its workflow; null when it has none */
  breaker: z
    .object({
      state: z.enum(['closed', 'open', 'half_open']),
      /** of the newest runs that it counts */
      failed: z.number(),
      of: z.number(),
      /** when the next run is let through as a probe */
      openUntil: instantOrNull,
    })
    .nullable()
    .optional(),
});
/** @see triggerStatusShape */
export type TriggerStatusWire = z.output<typeof triggerStatusShape>;

/** A range to make good. */
export const backfillBody = z.strictObject({
  /** its name or id; default: the only one */
  trigger: z.string().min(1).max(200).optional(),
  /** inclusive */
  from: instant,
  /** exclusive; not behind now */
  to: instant,
  /** false: also what has run, once more; default true */
  onlyMissing: z.boolean().optional(),
  /** says what would run, and runs nothing */
  dryRun: z.boolean().optional(),
});
/** @see backfillBody */
export type BackfillBody = z.output<typeof backfillBody>;

/** What became of a range. */
export const backfilledShape = z.object({
  /** cancels it */
  id: z.string(),
  workflow: z.string(),
  trigger: z.string(),
  dryRun: z.boolean(),
  /** how many instants run now */
  run: z.number(),
  /** had run before */
  ran: z.number(),
  /** not now: the queue of the trigger, or of its session, is full; the same call goes on there */
  left: z.number(),
  /** in the order of time */
  instants: z.array(
    z.object({
      nominalAt: instant,
      state: z.enum(['ran', 'run', 'left', 'refused']),
      taskId: z.string().nullable(),
    }),
  ),
});
/** @see backfilledShape */
export type BackfilledWire = z.output<typeof backfilledShape>;

/** Which backfill is cancelled; all of the trigger when none is named. */
export const backfillCancelBody = z.strictObject({
  trigger: z.string().min(1).max(200).optional(),
  id: z.string().min(1).max(100).optional(),
});

/** The tasks that were cancelled. */
export const backfillCancelledShape = z.object({ cancelled: z.array(z.string()) });

/** What the first call to a trigger with `confirm` gives: the token that the second one needs. */
export const askedShape = z.object({
  confirmation: z.string(),
  expiresAt: instant,
  trigger: z.string(),
});
/** @see askedShape */
export type AskedWire = z.output<typeof askedShape>;

/** What a fire by hand gives. */
export const firedShape = z.union([occurrenceShape, askedShape]);

/** How all triggers are together. */
export const triggerHealthShape = z.object({
  health: z.enum(['healthy', 'degraded']),
  reasons: z.array(z.string()),
  triggers: z.object({ total: z.number(), awake: z.number(), held: z.number(), disabled: z.number() }),
  /** when the next one falls due */
  nextAt: instantOrNull,
  /** of workflow and trigger: those that missed two instants or more */
  overdue: z.array(z.string()),
  timestamp: instant,
});
