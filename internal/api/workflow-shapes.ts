/** Workflows and what fires them, on the wire. */
import { z } from 'zod';
import { holdScopes } from '../domain/hold.ts';

const instant = z.iso.datetime({ offset: true });
const instantOrNull = instant.nullable();

/** What is held, by whom and why. */
export const holdShape = z.object({
  scope: z.enum(holdScopes),
  /** of the session or the workflow; of a trigger `workflow/trigger`; null for everything, or when it is gone */
  name: z.string().nullable(),
  at: instant,
  /** token id, or `system` */
  by: z.string(),
  reason: z.string(),
});
/** @see holdShape */
export type HoldWire = z.output<typeof holdShape>;

/** One trigger, and where it stands. */
export const triggerShape = z.object({
  id: z.string(),
  workflow: z.string(),
  name: z.string(),
  type: z.string(),
  /** of its type */
  spec: z.record(z.string(), z.unknown()),
  enabled: z.boolean(),
  pausedAt: instantOrNull,
  /** the widest that it is under; null when it is not held */
  hold: holdShape.nullable().optional(),
  /** when it falls due next; null when not by time, or never again */
  nextAt: instantOrNull,
});
/** @see triggerShape */
export type TriggerWire = z.output<typeof triggerShape>;

/** One workflow. */
export const workflowShape = z.object({
  id: z.string(),
  name: z.string(),
  version: z.number(),
  owner: z.string(),
  enabled: z.boolean(),
  session: z.string(),
  /** whole, with every default; durations are ms */
  definition: z.record(z.string(), z.unknown()),
  triggers: z.array(triggerShape),
  createdAt: instant,
  updatedAt: instant,
});
/** @see workflowShape */
export type WorkflowWire = z.output<typeof workflowShape>;

/** What an apply did, or would do. */
export const appliedShape = z.object({
  change: z.enum(['created', 'updated', 'unchanged']),
  workflow: workflowShape,
  /** the definition before; null when there was none */
  before: z.record(z.string(), z.unknown()).nullable(),
  warnings: z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() })),
});
/** @see appliedShape */
export type AppliedWire = z.output<typeof appliedShape>;

/** A version that a workflow has, or had. */
export const workflowVersionShape = z.object({
  version: z.number(),
  definition: z.record(z.string(), z.unknown()),
  actor: z.string(),
  at: instant,
});
/** @see workflowVersionShape */
export type WorkflowVersionWire = z.output<typeof workflowVersionShape>;

/** One time that a trigger fell due. */
export const occurrenceShape = z.object({
  id: z.string(),
  workflow: z.string(),
  workflowVersion: z.number(),
  triggerId: z.string(),
  key: z.string(),
  source: z.string(),
  nominalAt: instant,
  effectiveAt: instant,
  decidedAt: instant,
  /** from the effective time to the decision */
  delayMs: z.number(),
  decision: z.enum(['run', 'skipped']),
  reason: z.string(),
  taskId: z.string().nullable(),
  eventId: z.string().nullable(),
  actor: z.string(),
  details: z.record(z.string(), z.unknown()),
});
/** @see occurrenceShape */
export type OccurrenceWire = z.output<typeof occurrenceShape>;

/** The time that made a task, with the decision: `details` has the checks, and which of two actions it is. */
export const taskOccurrenceShape = occurrenceShape.extend({
  /** `''` when it is gone */
  trigger: z.string(),
});
/** @see taskOccurrenceShape */
export type TaskOccurrenceWire = z.output<typeof taskOccurrenceShape>;

/** What fires a trigger by hand. */
export const fireBody = z.object({
  /** its name or id; default: the manual one */
  trigger: z.string().min(1).max(200).optional(),
  parameters: z.record(z.string().max(200), z.unknown()).optional(),
  /** as if at this instant */
  at: instant.optional(),
  /** also when it is held, switched off, or a task of it is under way */
  force: z.boolean().optional(),
  /** the token that the first call gave, for a trigger that wants a confirmation */
  confirmation: z.string().max(200).optional(),
});
/** @see fireBody */
export type FireBody = z.output<typeof fireBody>;

/** Which trigger of a workflow; and whether what it let pass is made good. */
export const holdBody = z.object({
  trigger: z.string().min(1).max(200).optional(),
  catchUp: z.boolean().optional(),
  /** why it is held */
  reason: z.string().max(1000).optional(),
});

const wideHold = {
  scope: z.enum(['all', 'session', 'workflow']),
  name: z.string().min(1).max(200).optional(),
};

/** What is to be held: everything, a session by its name, a workflow by its name or id. */
export const holdManyBody = z.strictObject({ ...wideHold, reason: z.string().trim().min(1).max(1000) });

/** What is to be let go. */
export const releaseManyBody = z.strictObject({ ...wideHold, catchUp: z.boolean().optional() });

/** What a hold, or its end, came to. */
export const heldShape = z.object({
  /** null: it was not held */
  hold: holdShape.nullable(),
  /** those that are held, or go on, by this; `workflow/trigger` */
  triggers: z.array(z.string()),
});
/** @see heldShape */
export type HeldWire = z.output<typeof heldShape>;

/** What fired a task. */
export const taskEventShape = z.object({
  /** null: it fell due by time, or by hand */
  id: z.string().nullable(),
  /** what the sender calls it, such as `push`; `''` when there is only one kind */
  kind: z.string(),
  source: z.string(),
  workflow: z.string(),
  workflowVersion: z.number(),
  /** what it is about; an older server does not tell */
  focus: z.array(z.string()).optional(),
  /** with empty name and type when it is gone */
  trigger: z.object({ id: z.string(), name: z.string(), type: z.string() }),
  occurrenceId: z.string(),
  nominalAt: instant,
  /** the nominal instant moved by the spread; an older server does not tell */
  effectiveAt: instant.optional(),
  at: instant,
  /** as its type of trigger has it; null without an event */
  data: z.record(z.string(), z.unknown()).nullable(),
});
/** @see taskEventShape */
export type TaskEventWire = z.output<typeof taskEventShape>;

/** Which event is fired once more. */
export const replayBody = z.object({
  /** its id, or that of a task that it made */
  event: z.string().min(1).max(200),
  /** also when the trigger is held, switched off, or a task of it is under way */
  force: z.boolean().optional(),
});

/** Which task that failed for good is made anew. */
export const redriveBody = z.object({ task: z.string().min(1).max(200) });

/** What a webhook is tried out with. */
export const webhookTestBody = z.object({
  /** its name or id; may be left out when there is only one */
  trigger: z.string().min(1).max(200).optional(),
  /** the bytes as a text; default: a sample */
  body: z.string().max(5_000_000).optional(),
  headers: z.record(z.string().min(1).max(200), z.string().max(10_000)).optional(),
  query: z.record(z.string().max(200), z.string().max(10_000)).optional(),
  /** whether what fires is run; else everything is done and undone again */
  run: z.boolean().optional(),
});
/** @see webhookTestBody */
export type WebhookTestBody = z.output<typeof webhookTestBody>;

const deliveredTo = {
  status: z.string(),
  reason: z.string(),
  /** null: nothing runs */
  taskId: z.string().nullable(),
  occurrenceId: z.string(),
  eventId: z.string().nullable(),
};

/** What became of a delivery; of the first trigger, and of all. With `wait`, only status and result. */
export const deliveredShape = z.union([
  z.object({
    ...deliveredTo,
    triggers: z.array(z.object({ workflow: z.string(), trigger: z.string(), ...deliveredTo })),
  }),
  z.object({ status: z.string(), result: z.record(z.string(), z.unknown()) }),
]);

/** What came of a delivery that a webhook was tried out with, or would come of it. */
export const webhookTestedShape = z.object({
  method: z.string(),
  /** last part of the address */
  address: z.string(),
  /** what was sent beside the signature */
  headers: z.record(z.string(), z.string()),
  /** what the sender calls the event; `''` when its format has no name for it */
  kind: z.string(),
  /** what the trigger takes out of it for its task */
  parameters: z.record(z.string(), z.unknown()),
  /** `fired`: it came through; `refused`: as the sender is told; `greeting`: it was only answered */
  status: z.enum(['fired', 'refused', 'greeting']),
  code: z.string().nullable(),
  message: z.string().nullable(),
  answer: z.record(z.string(), z.unknown()).nullable(),
  triggers: z.array(
    z.object({
      workflow: z.string(),
      trigger: z.string(),
      status: z.string(),
      reason: z.string(),
      /** null: nothing runs, or nothing is to run */
      taskId: z.string().nullable(),
    }),
  ),
});
/** @see webhookTestedShape */
export type WebhookTestedWire = z.output<typeof webhookTestedShape>;

/** One webhook, as far as those may know who do not make workflows. */
export const webhookStatusShape = z.object({
  workflow: z.string(),
  trigger: z.string(),
  /** last parts of its addresses */
  addresses: z.array(z.string()),
  methods: z.array(z.string()),
  /** how senders show who they are */
  auth: z.string(),
  /** whether every secret of it can be read on this server; without any nobody can fire it */
  hasSecrets: z.boolean(),
  enabled: z.boolean(),
  paused: z.boolean(),
  /** what became of the newest delivery */
  last: z
    .object({ at: instant, decision: z.string(), reason: z.string(), taskId: z.string().nullable() })
    .nullable(),
});
/** @see webhookStatusShape */
export type WebhookStatusWire = z.output<typeof webhookStatusShape>;
