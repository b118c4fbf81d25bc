/** Reads a workflow as people write it, and names every fault at once. Pure. */
import type { ZodError } from 'zod';
import { InputError, KerutaError } from '../domain/errors.ts';
import type { RetryDefaults } from '../domain/retry.ts';
import {
  type CatchUp,
  type Fallback,
  type RetryPolicy,
  type TriggerDefinition,
  type WorkflowDefinition,
  workflowDefaults,
} from '../domain/workflow.ts';
import { notifyRulesOf } from './notify-shape.ts';
import { faultsOfPolicy, policyOf } from './read-policy.ts';
import { templateFaults, templateOf } from './read-template.ts';
import type { ScheduleContext, TriggerHost, TriggerType } from './trigger-type.ts';
import { triggerTypes } from './types.ts';
import { type TriggerInput, type WorkflowInput, workflowShape } from './workflow-shape.ts';

/** What is wrong with a definition, and where. */
export interface WorkflowFault {
  /** from the root: `['triggers', 0, 'expression']` */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** A definition that was read. */
export interface ReadWorkflow {
  readonly definition: WorkflowDefinition;
  readonly enabled: boolean;
  /** what may not be what was meant */
  readonly warnings: readonly WorkflowFault[];
}

/**
 * Reads a workflow.
 * @param options.zone  default time zone of the server
 * @param options.retry  of the server: what a workflow has that does not say; default: `workflowDefaults.retry`
 * @param options.host  the server that it is meant for; absent: what depends on one is not looked at
 * @throws {InputError} KERUTA_ERR_WORKFLOW with `details.faults`
 */
export function readWorkflow(
  value: unknown,
  options: {
    readonly zone: string;
    readonly host?: TriggerHost | undefined;
    readonly retry?: RetryDefaults | undefined;
  },
): ReadWorkflow {
  const read = workflowShape.safeParse(value);
  const faults: WorkflowFault[] = read.success ? [] : faultsOf(read.error.issues);
  const warnings: WorkflowFault[] = [];
  const triggers: TriggerDefinition[] = [];
  // triggers are looked at also when something else is wrong, so that everything is said at once
  const written = read.success ? (read.data.triggers ?? []) : looseTriggers(value);
  written.forEach((one, index) => {
    if (one === null) return;
    const { zone, host } = options;
    const context = { triggerId: 'new', zone, anchorMs: 0, ...(host === undefined ? {} : { host }) };
    const result = readTrigger(one, context);
    const at = (fault: WorkflowFault) => ({ ...fault, path: ['triggers', index, ...fault.path] });
    faults.push(...result.faults.map(at));
    warnings.push(...result.warnings.map(at));
    if (read.success)
      triggers.push(named(withOverlap(one as TriggerInput, read.data), result.spec, triggers));
  });
  for (const [index, { name }] of triggers.entries()) {
    const first = triggers.findIndex((other) => other.name === name);
    if (first === index) continue;
    faults.push({
      path: ['triggers', index, 'name'],
      message: `expected a name of its own, got ${name} again`,
    });
  }
  if (read.success) {
    faults.push(...taskFaults(read.data), ...limitFaults(read.data));
    warnings.push(...channelWarnings(read.data, options.host?.channels));
  }
  if (!read.success || faults.length > 0) throw workflowError(faults);
  const definition = definitionOf(read.data, triggers, options.retry);
  return { definition, enabled: read.data.enabled ?? true, warnings };
}

/** A channel that this server has not: what is meant for it is told to nobody. */
function channelWarnings({ notify }: WorkflowInput, known: readonly string[] | undefined): WorkflowFault[] {
  if (notify === undefined || known === undefined) return [];
  const missing = new Set(notify.flatMap(({ to = [] }) => to).filter((name) => !known.includes(name)));
  const has = known.length === 0 ? 'the server has none' : `the server has ${known.join(', ')}`;
  return [...missing].map((name) => ({ path: ['notify'], message: `there is no channel ${name}; ${has}` }));
}

/** What is wrong with the tasks that it makes. */
function taskFaults({ run, onError, onComplete, fallback }: WorkflowInput): WorkflowFault[] {
  return Object.entries({ run, onError, onComplete, fallback }).flatMap(([name, template]) =>
    template === undefined
      ? []
      : templateFaults(template).map((fault) => ({ ...fault, path: [name, ...fault.path] })),
  );
}

/** What the policy and the fallback contradict. */
function limitFaults(input: WorkflowInput): WorkflowFault[] {
  const { policy, fallback, migrationWeight, fallbackStrategy } = input;
  const faults: WorkflowFault[] = faultsOfPolicy(policy ?? {}, true).map(({ path, message }) => ({
    path: ['policy', ...path],
    message,
  }));
  const lonely = { migrationWeight, fallbackStrategy };
  for (const [name, value] of Object.entries(lonely))
    if (value !== undefined && fallback === undefined)
      faults.push({ path: [name], message: `expected a fallback beside it, got none` });
  return faults;
}

/** An error of which every fault is told. */
export function workflowError(faults: readonly WorkflowFault[]): InputError {
  const told = faults.map(({ path, message }) => `${pathText(path)}: ${message}`);
  return new InputError('KERUTA_ERR_WORKFLOW', `The workflow cannot be taken: ${told.join('; ')}`, {
    details: { faults },
  });
}

/** `triggers[0].expression` */
export function pathText(path: readonly (string | number)[]): string {
  const joined = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
  return joined.replace(/^\./, '') || 'the workflow';
}

const commonFields = [
  'type',
  'name',
  'enabled',
  'overlap',
  'catchUp',
  'catchUpWindow',
  'catchUpMax',
  'spread',
  'startAt',
  'endAt',
];

interface TriggerReading {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly faults: readonly WorkflowFault[];
  readonly warnings: readonly WorkflowFault[];
}

function readTrigger(written: Readonly<Record<string, unknown>>, context: ScheduleContext): TriggerReading {
  const spec = Object.fromEntries(Object.entries(written).filter(([key]) => !commonFields.includes(key)));
  const nothing = { spec, faults: [], warnings: [] };
  const type = triggerTypes.get(String(written.type));
  if (type === undefined) {
    const known = [...triggerTypes.keys()].join(', ');
    return {
      ...nothing,
      faults: [{ path: ['type'], message: `expected one of ${known}; got ${String(written.type)}` }],
    };
  }
  const read = type.spec.safeParse(spec);
  if (!read.success) return { ...nothing, faults: faultsOf(read.error.issues) };
  return { ...nothing, ...checked(type, read.data, context) };
}

function checked(
  type: TriggerType,
  spec: unknown,
  context: ScheduleContext,
): Pick<TriggerReading, 'faults' | 'warnings'> {
  try {
    const warnings = type.check?.(spec, context) ?? [];
    return { faults: [], warnings: warnings.map((message) => ({ path: [], message })) };
  } catch (error) {
    if (!(error instanceof KerutaError)) throw error;
    return { faults: [{ path: [], message: error.message }], warnings: [] };
  }
}

/** What stands under `triggers`, when the whole has not the shape. */
function looseTriggers(value: unknown): (Readonly<Record<string, unknown>> | null)[] {
  const triggers = (value as { readonly triggers?: unknown } | null)?.triggers;
  if (!Array.isArray(triggers)) return [];
  return triggers.map((one) => (typeof one?.type === 'string' ? one : null));
}

/** Where a field takes several kinds of values, what is told is meant for the kind that was given. */
function faultsOf(issues: ZodError['issues'], at: WorkflowFault['path'] = []): WorkflowFault[] {
  return issues.flatMap((issue) => {
    const path = [...at, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
    const forms = issue.code === 'invalid_union' && issue.message === 'Invalid input' ? issue.errors : [];
    const isOther = ({ code, path }: (typeof issues)[number]) => code === 'invalid_type' && path.length === 0;
    const meant = forms.find((form) => !form.some((one) => isOther(one as (typeof issues)[number])));
    return meant === undefined
      ? [{ path, message: issue.message }]
      : faultsOf(meant as ZodError['issues'], path);
  });
}

/**
 * What happened is not skipped because something else is under way, unless somebody says so; an instant is followed by
 * another one.
 */
function withOverlap(one: TriggerInput, { overlap }: WorkflowInput): TriggerInput {
  const isEvent = one.type !== 'manual' && triggerTypes.get(one.type)?.schedule === undefined;
  return isEvent ? { ...one, overlap: one.overlap ?? overlap ?? 'allow' } : one;
}

function named(
  one: TriggerInput,
  spec: Readonly<Record<string, unknown>>,
  before: readonly TriggerDefinition[],
): TriggerDefinition {
  const sameType = before.filter(({ type }) => type === one.type).length;
  return {
    name: one.name ?? (sameType === 0 ? one.type : `${one.type}-${sameType + 1}`),
    type: one.type,
    enabled: one.enabled ?? true,
    overlap: one.overlap ?? null,
    catchUp:
      one.catchUp === undefined && one.catchUpWindow === undefined && one.catchUpMax === undefined
        ? null
        : catchUpOf(one),
    spreadMs: one.spread ?? 0,
    startAt: one.startAt === undefined ? null : Date.parse(one.startAt),
    endAt: one.endAt === undefined ? null : Date.parse(one.endAt),
    spec,
  };
}

function catchUpOf(one: Pick<TriggerInput, 'catchUp' | 'catchUpWindow' | 'catchUpMax'>): CatchUp {
  const { policy, windowMs, max } = workflowDefaults.catchUp;
  return {
    policy: one.catchUp ?? policy,
    windowMs: one.catchUpWindow ?? windowMs,
    max: one.catchUpMax ?? max,
  };
}

function definitionOf(
  input: WorkflowInput,
  triggers: readonly TriggerDefinition[],
  defaults: RetryDefaults = workflowDefaults.retry,
): WorkflowDefinition {
  const { focus = [] } = input;
  return {
    name: input.name,
    description: input.description ?? '',
    focus,
    session: input.session ?? input.name,
    repository: input.repository ? { url: input.repository.url, ref: input.repository.ref ?? 'main' } : null,
    run: templateOf(input.run, focus),
    triggers,
    overlap: input.overlap ?? workflowDefaults.overlap,
    catchUp: catchUpOf(input),
    retry: retryOf(input.retry ?? {}, defaults),
    concurrency: input.concurrency ?? null,
    onError: input.onError === undefined ? null : templateOf(input.onError, focus),
    onComplete: input.onComplete === undefined ? null : templateOf(input.onComplete, focus),
    policy: input.policy === undefined ? null : policyOf(input.policy),
    fallback: fallbackOf(input),
    notify: input.notify === undefined ? null : notifyRulesOf(input.notify),
  };
}

function fallbackOf({ fallback, fallbackStrategy, migrationWeight, focus }: WorkflowInput): Fallback | null {
  if (fallback === undefined) return null;
  return {
    task: templateOf(fallback, focus ?? []),
    strategy: fallbackStrategy ?? 'on_failure',
    migrationWeight: migrationWeight ?? 1,
  };
}

function retryOf(input: NonNullable<WorkflowInput['retry']>, defaults: RetryDefaults): RetryPolicy {
  const retry = { ...workflowDefaults.retry, ...defaults };
  const maxAttempts = input.maxAttempts ?? retry.maxAttempts;
  return {
    maxAttempts,
    backoff: input.backoff ?? retry.backoff,
    delayMs: input.delay ?? retry.delayMs,
    maxDelayMs: input.maxDelay ?? retry.maxDelayMs,
    exitCodes: input.exitCodes ?? retry.exitCodes,
    neverOn: input.neverOn ?? retry.neverOn,
    lostRetries: input.lostRetries ?? (maxAttempts > 1 ? 1 : 0),
    deadlineMs: input.deadline ?? null,
  };
}
