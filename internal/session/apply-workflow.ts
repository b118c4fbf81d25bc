/** Workflows as such: made, changed and removed. A new version counts from the next occurrence on. */
import { isDeepStrictEqual } from 'node:util';
import { ConflictError, NotFoundError } from '../domain/errors.ts';
import { holdsOver } from '../domain/hold.ts';
import type { Trigger, TriggerDefinition, Workflow, WorkflowDefinition } from '../domain/workflow.ts';
import type { Reads, Transaction } from '../store/store.ts';
import { findCycle } from '../trigger/find-cycle.ts';
import { readWorkflow, type WorkflowFault, workflowError } from '../trigger/read-workflow.ts';
import type { TriggerHost } from '../trigger/trigger-type.ts';
import { recordAct } from './append-ledger.ts';
import type { Caller, SessionParts } from './parts.ts';
import { sessionOfWorkflow } from './session-of-workflow.ts';
import { startOf } from './trigger-times.ts';

/** What became of an apply, or would. */
export interface Applied {
  readonly change: 'created' | 'updated' | 'unchanged';
  readonly workflow: Workflow;
  readonly triggers: readonly Trigger[];
  /** the version before; null when there was none */
  readonly before: Workflow | null;
  /** what may not be what was meant */
  readonly warnings: readonly WorkflowFault[];
}

/** A wish to make or change a workflow. */
export interface ApplyWish {
  readonly caller: Caller;
  /** as people write it */
  readonly value: unknown;
  /** `api`, or `file:` and the name that a file goes by */
  readonly owner: string;
  /** says what would become of it, and writes nothing */
  readonly dryRun?: boolean;
  /** also when the workflow belongs to another owner */
  readonly takeOver?: boolean;
}

/**
 * Makes a workflow, or changes the one of that name. The same again changes nothing. A trigger keeps its id by its name; one
 * whose rule of time changed starts anew from now: nothing is made good of the old rule, nothing invented of the new one.
 *
 * @throws {InputError} KERUTA_ERR_WORKFLOW with every fault
 * @throws {ConflictError} KERUTA_ERR_WORKFLOW_OWNED
 */
export async function applyWorkflow(parts: SessionParts, wish: ApplyWish): Promise<Applied> {
  const { definition, enabled, warnings } = readWorkflow(wish.value, {
    zone: zoneOf(parts),
    retry: parts.retryDefaults,
    host: triggerHostOf(parts),
  });
  const now = await parts.store.now();
  const { caller, owner, takeOver = false } = wish;
  const make = { parts, caller, definition, enabled, owner, takeOver, now };
  if (wish.dryRun) return { ...(await planned(parts.store, make)), warnings };
  return parts.store.transact(async (tx) => {
    await tx.lockSession(`workflow ${definition.name}`);
    await tx.lockSession(holdsLock);
    await lockTriggersOf(tx, definition.name);
    const plan = await planned(tx, make);
    if (plan.change !== 'unchanged') await write(tx, make, plan);
    return { ...plan, warnings };
  });
}

/** What decides or holds one of them now writes it first: else it would put the old rule in the place of the new one. */
async function lockTriggersOf(tx: Transaction, name: string): Promise<void> {
  const workflow = await tx.workflowByName(name);
  const triggers = workflow === null ? [] : await tx.triggers({ workflowId: workflow.id });
  for (const { id } of triggers) await tx.lockTrigger(id);
}

/** Serialises holds with workflows that are made meanwhile: no trigger slips through. */
export const holdsLock = 'the holds of triggers';

/** A server of which nothing is known. */
const strangeHost: TriggerHost = { isLoopback: false, secret: () => null };

function triggerHostOf({ triggerHost = strangeHost, github, notify }: SessionParts): TriggerHost {
  const channels = (notify?.channels ?? []).map(({ name }) => name);
  if (github === undefined) return { ...triggerHost, channels };
  const bytes = github.secrets.map((secret) => Buffer.byteLength(secret));
  const secretBytes = bytes.length === 0 ? null : Math.min(...bytes);
  return { ...triggerHost, channels, github: { secretBytes, hasApp: github.app !== null } };
}

/** Default time zone of triggers. */
export function zoneOf(parts: SessionParts): string {
  return parts.timeZone ?? 'UTC';
}

interface Making {
  readonly parts: SessionParts;
  readonly caller: Caller;
  readonly definition: WorkflowDefinition;
  readonly enabled: boolean;
  readonly owner: string;
  readonly takeOver: boolean;
  readonly now: number;
}

type Plan = Omit<Applied, 'warnings'>;

async function planned(reads: Reads, make: Making): Promise<Plan> {
  const { definition, enabled, owner, now, parts } = make;
  const before = await reads.workflowByName(definition.name);
  if (before !== null) refuseOthers(before, make);
  await refuseCycle(reads, definition);
  const old = before === null ? [] : await reads.triggers({ workflowId: before.id });
  const isSame = before !== null && isDeepStrictEqual(before.definition, definition);
  if (isSame && before.enabled === enabled && before.owner === owner)
    return { change: 'unchanged', workflow: before, triggers: old, before };
  const workflow: Workflow = {
    id: before?.id ?? parts.random.uuid7(now),
    name: definition.name,
    version: (before?.version ?? 0) + (isSame ? 0 : 1),
    definition,
    owner,
    enabled,
    createdAt: before?.createdAt ?? now,
    updatedAt: now,
  };
  const holds = await reads.holds();
  const triggers = withManual(definition.triggers).map((one) => {
    const known = old.find(({ name }) => name === one.name) ?? null;
    const trigger = triggerOf(make, { one, known, workflow });
    const isHeld = holdsOver(holds, { trigger, workflow }).length > 0;
    return isHeld && trigger.pausedAt === null ? { ...trigger, pausedAt: now } : trigger;
  });
  return { change: before === null ? 'created' : 'updated', workflow, triggers, before };
}

/** Two that are applied at once may still meet in a circle: that one is cut when it has gone round for a while. */
async function refuseCycle(reads: Reads, definition: WorkflowDefinition): Promise<void> {
  const others = (await reads.workflows()).map((other) => other.definition);
  const way = findCycle(definition, others);
  if (way === null) return;
  const message = `expected an end, got workflows that would fire each other for ever: ${way.join(' → ')}`;
  throw workflowError([{ path: ['triggers'], message }]);
}

/** Every workflow can be fired by hand. */
function withManual(triggers: readonly TriggerDefinition[]): readonly TriggerDefinition[] {
  if (triggers.some(({ name, type }) => type === 'manual' || name === 'manual')) return triggers;
  const limits = { overlap: null, catchUp: null, spreadMs: 0, startAt: null, endAt: null };
  return [...triggers, { name: 'manual', type: 'manual', enabled: true, ...limits, spec: {} }];
}

function refuseOthers(before: Workflow, { owner, takeOver }: Making): void {
  if (before.owner === owner || takeOver) return;
  throw new ConflictError(
    'KERUTA_ERR_WORKFLOW_OWNED',
    `Workflow ${before.name} belongs to ${before.owner}, and ${owner} would change it; change it there, or take it over.`,
    { details: { owner: before.owner } },
  );
}

function triggerOf(
  { parts, now }: Making,
  {
    one,
    known,
    workflow,
  }: { readonly one: TriggerDefinition; readonly known: Trigger | null; readonly workflow: Workflow },
): Trigger {
  const isEnabled = workflow.enabled && one.enabled;
  const keeps = known !== null && known.type === one.type && isSameTime(known.definition, one);
  const id = known?.id ?? parts.random.uuid7(now);
  const createdAt = known?.createdAt ?? now;
  // what was switched off meanwhile is not made good
  const goesOn = keeps && known.enabled === isEnabled;
  const times = goesOn
    ? { cursor: known.cursor, nextAt: known.nextAt, zoneData: known.zoneData }
    : startOf(one, { triggerId: id, zone: zoneOf(parts), anchorMs: createdAt, now });
  return {
    id,
    workflowId: workflow.id,
    name: one.name,
    type: one.type,
    definition: one,
    enabled: isEnabled,
    pausedAt: known?.pausedAt ?? null,
    ...times,
    createdAt,
    updatedAt: now,
  };
}

/** Whether the rule of time is the same: everything that decides when it falls due. */
function isSameTime(a: TriggerDefinition, b: TriggerDefinition): boolean {
  const timeOf = ({ spec, spreadMs, startAt, endAt }: TriggerDefinition) => ({
    spec,
    spreadMs,
    startAt,
    endAt,
  });
  return isDeepStrictEqual(timeOf(a), timeOf(b));
}

async function write(tx: Transaction, { parts, caller, definition, now }: Making, plan: Plan): Promise<void> {
  const { workflow, triggers, before } = plan;
  await tx.putWorkflow(workflow);
  if (workflow.version !== before?.version) {
    const { id: workflowId, version } = workflow;
    await tx.insertWorkflowVersion({ workflowId, version, definition, actor: caller.actor, at: now });
  }
  const kept = new Set(triggers.map(({ id }) => id));
  for (const old of await tx.triggers({ workflowId: workflow.id }))
    if (!kept.has(old.id)) await tx.deleteTrigger(old.id);
  for (const trigger of triggers) await tx.putTrigger(trigger);
  await sessionOfWorkflow(tx, { parts, caller, definition, now });
  await record(tx, { parts, caller, now, action: `workflow.${plan.change}`, workflow, before });
  tx.notify('triggers');
}

/**
 * Removes a workflow and its triggers; what they did stays on record, and tasks that they made go on.
 * @throws {NotFoundError} KERUTA_ERR_WORKFLOW_NOT_FOUND
 */
export async function deleteWorkflow(
  parts: SessionParts,
  wish: { readonly caller: Caller; readonly name: string },
): Promise<Workflow> {
  const { caller, name } = wish;
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    await tx.lockSession(`workflow ${name}`);
    const workflow = await namedWorkflow(tx, name);
    await lockTriggersOf(tx, workflow.name);
    await tx.deleteWorkflow(workflow.id);
    await record(tx, { parts, caller, now, action: 'workflow.deleted', workflow });
    tx.notify('triggers');
    return workflow;
  });
}

/** The workflow of that name or id. @throws {NotFoundError} KERUTA_ERR_WORKFLOW_NOT_FOUND */
export async function namedWorkflow(
  reads: Pick<Transaction, 'workflowByName' | 'workflow'>,
  name: string,
): Promise<Workflow> {
  const found = (await reads.workflowByName(name)) ?? (await reads.workflow(name));
  if (found !== null) return found;
  throw new NotFoundError(
    'KERUTA_ERR_WORKFLOW_NOT_FOUND',
    `There is no workflow ${name}; list those there are with: keruta workflow list`,
  );
}

/** Puts on record who made, changed or removed a workflow. */
function record(
  tx: Transaction,
  done: {
    readonly parts: SessionParts;
    readonly caller: Caller;
    readonly now: number;
    readonly action: string;
    readonly workflow: Workflow;
    readonly before?: Workflow | null;
  },
): Promise<void> {
  const { parts, workflow, before = null } = done;
  const { owner, enabled } = workflow;
  const changed = before === null ? {} : { changed: changesOf(before, workflow) };
  return recordAct(tx, parts, { ...done, details: { owner, enabled, ...changed } });
}

/** Which parts of a definition are others now, such as `policy`. */
function changesOf(before: Workflow, { definition, enabled, owner }: Workflow): readonly string[] {
  const was = before.definition as unknown as Readonly<Record<string, unknown>>;
  const fields = Object.entries(definition).filter(([name, value]) => !isDeepStrictEqual(was[name], value));
  return [
    ...fields.map(([name]) => name),
    ...(before.enabled === enabled ? [] : ['enabled']),
    ...(before.owner === owner ? [] : ['owner']),
  ];
}
