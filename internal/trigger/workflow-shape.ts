/** What a workflow looks like as people write it: in YAML, TOML, or as the body of a request. */
import { z } from 'zod';
import { contextShape } from '../domain/context-shape.ts';
import { focusPattern, maxFocuses } from '../domain/focus.ts';
import { fallbackStrategies } from '../domain/policy.ts';
import { taskKinds } from '../domain/task-context.ts';
import { overlapPolicies, workflowNamePattern } from '../domain/workflow.ts';
import { duration } from './duration-field.ts';
import { notifyShape } from './notify-shape.ts';
import { policyShape } from './policy-shape.ts';

const text = (max: number) => z.string().max(max);

const name = z
  .string()
  .regex(
    workflowNamePattern,
    'expected letters, digits, dots, dashes and underscores, at most 100, not beginning with a sign',
  );

const focus = z
  .string()
  .trim()
  .regex(focusPattern, 'expected 1 to 100 characters without commas and control characters');

const catchUpFields = {
  /** what becomes of instants that nobody was there for; default `last` */
  catchUp: z.enum(['none', 'last', 'all']).optional(),
  /** older ones are not made good; default 24h */
  catchUpWindow: duration.optional(),
  /** most of them that are made good by `all`; default 100 */
  catchUpMax: z.int().min(1).max(1000).optional(),
};

const template = z.strictObject({
  /** what to run, as a shell script, or another interpreter by its first line; a task of another kind has none */
  script: text(1024 * 1024)
    .min(1, 'expected a script, got nothing')
    .refine((script) => !script.includes('\0'), 'expected text, got a NUL byte')
    .optional(),
  /** what the task does; default `script`; with a `context`: `playbook` when that names one, else `agent` */
  kind: z.enum(taskKinds).optional(),
  /** what is wanted of an agent or a playbook, as in [agent tasks](../agent-tasks.md); only `title` is needed, and `focus` is the workflow's when left out */
  context: contextShape.optional(),
  /** default: the title of the context, else the name of the workflow */
  name: text(1000).optional(),
  /** for people */
  description: text(65_536).optional(),
  /** branch, tag or commit; default: the session's */
  ref: text(255).optional(),
  /** handed to the script */
  parameters: z.record(z.string(), z.json()).optional(),
  /** of one attempt; default: no limit */
  timeout: duration.optional(),
  /** ends an attempt that says nothing for so long; default: no limit */
  noOutputTimeout: duration.optional(),
  /** higher runs first; default 0 */
  priority: z.int().min(-1_000_000).max(1_000_000).optional(),
  /** whether a failure begets a fix task; default: the agent's setting */
  autoFix: z.boolean().optional(),
});

/** A task template; a text alone is its script. */
const scriptAlone = z
  .string()
  .transform((script): { script?: string | undefined } => ({ script }))
  .pipe(template);
const runShape = z.union([scriptAlone, template]);

/** The fields that triggers of all types have, beside the type. */
export const triggerFields = {
  /** unique within the workflow; default: the type, and a number from the second of that type on */
  name: name.optional(),
  /** whether it fires; default true */
  enabled: z.boolean().optional(),
  /** what happens when a task of it is not finished; default: the workflow's, and `allow` for one that waits for events */
  overlap: z.enum(overlapPolicies).optional(),
  ...catchUpFields,
  /** spreads the fires of many triggers over this long; default 0 */
  spread: duration.optional(),
  /** nothing is due before; default: no limit */
  startAt: z.iso.datetime({ offset: true }).optional(),
  /** nothing is due at or after; default: no limit */
  endAt: z.iso.datetime({ offset: true }).optional(),
};

/** A trigger: the fields that all have, and those of its type. */
const triggerShape = z.looseObject({ type: z.string(), ...triggerFields });

/** A whole workflow. */
export const workflowShape = z.strictObject({
  /** unique: letters, digits, dots, dashes and underscores, at most 100 */
  name,
  /** for people */
  description: text(65_536).optional(),
  /** what its tasks are about, as a text or a list of at most 20: chooses the skills that they get; default: all skills */
  focus: z
    .union([focus.transform((one) => [one]), z.array(focus).max(maxFocuses)], {
      error: 'expected a text of 1 to 100 characters without commas, or a list of at most 20 of them',
    })
    .optional(),
  /** name of the session whose agent runs it; default: the workflow's name */
  session: text(255).min(1).optional(),
  /** of the session, when it is made for this workflow; `ref` is main when left out */
  repository: z.strictObject({ url: text(8192).min(1), ref: text(255).optional() }).optional(),
  /** whether its triggers fire; default true */
  enabled: z.boolean().optional(),
  /** what is run when a trigger fires */
  run: runShape,
  /** what fires it, at most 100; one to fire by hand is there in any case */
  triggers: z.array(triggerShape).max(100).optional(),
  /** what happens when a trigger fires while a task of it is not finished; default `skip`, for events `allow` */
  overlap: z.enum(overlapPolicies).optional(),
  ...catchUpFields,
  /** how a failed run is repeated; default: not at all */
  retry: z
    .strictObject({
      /** runs in all, the first included; default 1 */
      maxAttempts: z.int().min(1).max(100).optional(),
      /** how the delay grows: `exponential` doubles it; default `exponential` */
      backoff: z.enum(['fixed', 'exponential']).optional(),
      /** before the second run; default 60s */
      delay: duration.optional(),
      /** most of it; default 1h */
      maxDelay: duration.optional(),
      /** exit codes that are worth another run; default: any but 0 */
      exitCodes: z.array(z.int().min(1).max(255)).min(1).max(255).optional(),
      /** error codes and end reasons that are never worth another run, such as `oom` */
      neverOn: z.array(text(255)).max(100).optional(),
      /** how often a run is repeated whose agent died; default: once when there are other retries, else never */
      lostRetries: z.int().min(0).max(100).optional(),
      /** for all runs together, the wait in the queue included; default: none */
      deadline: duration.optional(),
    })
    .optional(),
  /** limits the tasks of all workflows that name the same group */
  concurrency: z.strictObject({ group: name, limit: z.int().min(1).max(1000) }).optional(),
  /** what limits it: when, how often and for how much it may run */
  policy: policyShape.optional(),
  /** the classic script beside `run`, the agent's action: run in its place, or after it failed */
  fallback: runShape.optional(),
  /** part of the times that go to the agent's action, 0 to 1; the others run the fallback at once; default 1 */
  migrationWeight: z.number().min(0).max(1).optional(),
  /** when the fallback runs after the agent's action: `on_failure` after its last attempt failed, `always` after any end but a cancel; default `on_failure` */
  fallbackStrategy: z.enum(fallbackStrategies).optional(),
  /** run once after the last attempt failed */
  onError: runShape.optional(),
  /** run once after it succeeded */
  onComplete: runShape.optional(),
  /** who is told of what happens to it: one rule or a list; an empty list is nobody; default: as the server says */
  notify: notifyShape.optional(),
});

/** A workflow that has the shape. */
export type WorkflowInput = z.output<typeof workflowShape>;
/** A trigger that has the shape of all. */
export type TriggerInput = z.output<typeof triggerShape>;
/** A task template that has the shape. */
export type TemplateInput = z.output<typeof runShape>;
