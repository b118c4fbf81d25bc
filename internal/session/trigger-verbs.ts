/** What people do with triggers: hold them, let them go on, fire them by hand. */
import { ConflictError, InputError, NotFoundError } from '../domain/errors.ts';
import { type Hold, holdsOver } from '../domain/hold.ts';
import type { Trigger, Workflow } from '../domain/workflow.ts';
import type { Reads, Transaction } from '../store/store.ts';
import { recordAct } from './append-ledger.ts';
import { namedWorkflow } from './apply-workflow.ts';
import { type Fired, fireIn } from './fire.ts';
import { type Asked, giveConfirmation, takeConfirmation } from './fire-confirm.ts';
import { letGo } from './let-go.ts';
import type { Caller, SessionParts } from './parts.ts';

/** A trigger with its workflow. */
export interface FoundTrigger {
  readonly trigger: Trigger;
  readonly workflow: Workflow;
}

/** Which trigger: its id, or its workflow (name or id) and, when that has several, its own name. */
export interface TriggerRef {
  readonly caller: Caller;
  readonly workflow: string;
  /** its name, or its id */
  readonly trigger?: string | undefined;
}

/**
 * Holds a trigger: what falls due meanwhile is not run. Held twice is held once, with the first reason.
 * @throws {NotFoundError} KERUTA_ERR_WORKFLOW_NOT_FOUND, KERUTA_ERR_TRIGGER_NOT_FOUND
 */
export function pauseTrigger(
  parts: SessionParts,
  ref: TriggerRef & { readonly reason?: string | undefined },
): Promise<FoundTrigger> {
  const { reason = '' } = ref;
  return onTrigger(parts, ref, async (tx, { trigger, workflow }, now) => {
    if ((await tx.holds()).some(isOwnHold(trigger))) return { trigger, workflow };
    await tx.putHold({ scope: 'trigger', name: trigger.id, at: now, actor: ref.caller.actor, reason });
    const paused = { ...trigger, pausedAt: trigger.pausedAt ?? now, updatedAt: now };
    await tx.putTrigger(paused);
    const details = reason === '' ? {} : { reason };
    await record(tx, parts, { ref, action: 'trigger.paused', trigger, workflow, now, details });
    return { trigger: paused, workflow };
  });
}

/**
 * Lets a trigger go on. What fell due meanwhile is put on record as paused; with `catchUp` it is made good as the
 * trigger's policy says, as if nobody had been there.
 * @throws as pauseTrigger; {ConflictError} KERUTA_ERR_TRIGGER_HELD when more than it is held
 */
export function resumeTrigger(
  parts: SessionParts,
  ref: TriggerRef & { readonly catchUp?: boolean },
): Promise<FoundTrigger> {
  return onTrigger(parts, ref, async (tx, { trigger, workflow }, now) => {
    if (trigger.pausedAt === null) return { trigger, workflow };
    await tx.deleteHold({ scope: 'trigger', name: trigger.id });
    refuseHeld(holdsOver(await tx.holds(), { trigger, workflow })[0], workflow);
    await record(tx, parts, {
      ref,
      action: 'trigger.resumed',
      trigger,
      workflow,
      now,
      details: { catchUp: ref.catchUp ?? false },
    });
    const settling = { found: { trigger, workflow }, now, catchUp: ref.catchUp ?? false };
    const resumed = await letGo(tx, parts, settling);
    return { trigger: resumed, workflow };
  });
}

const isOwnHold =
  ({ id }: Pick<Trigger, 'id'>) =>
  ({ scope, name }: Hold) =>
    scope === 'trigger' && name === id;

function refuseHeld(hold: Hold | undefined, workflow: Workflow): void {
  if (hold === undefined) return;
  const { scope, name, at, actor, reason } = hold;
  const [what, how] = {
    all: ['everything', '--all'],
    session: [`session ${name}`, `--session ${name}`],
    workflow: [`workflow ${workflow.name}`, workflow.name],
    trigger: ['it', workflow.name],
  }[scope] as [string, string];
  throw new ConflictError(
    'KERUTA_ERR_TRIGGER_HELD',
    `The trigger stays held, because ${what} is, since ${new Date(at).toISOString()} by ${actor}${reason === '' ? '' : ` (${reason})`}; let that go with: keruta resume ${how}`,
    { details: { scope, by: actor, reason } },
  );
}

/** A wish to fire by hand. */
export interface FireWish extends TriggerRef {
  /** over those of the workflow */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** as if at this instant; epoch ms; default now */
  readonly at?: number;
  /** the same key again gives the same occurrence */
  readonly key?: string;
  /** also when it is held, switched off, or a task of it is under way */
  readonly isForced?: boolean;
  /** the token that `askToFire` gave, for a trigger that wants one */
  readonly confirmation?: string;
}

/**
 * Asks to fire a trigger that wants a confirmation: gives the token with which `fireNow` does it.
 * @returns null when it wants none, or when it was fired under this key already
 * @throws as fireNow
 */
export function askToFire(parts: SessionParts, wish: FireWish): Promise<Asked | null> {
  const ref = { ...wish, trigger: wish.trigger ?? 'manual' };
  return onTrigger(parts, ref, async (tx, { trigger, workflow }, now) => {
    if (!wantsConfirmation(trigger)) return null;
    if (wish.key !== undefined && (await tx.occurrence(trigger.id, keyOf(wish.key))) !== null) return null;
    refuseMissing(trigger, { ...workflow.definition.run.parameters, ...wish.parameters });
    await record(tx, parts, { ref: wish, action: 'trigger.asked', trigger, workflow, now });
    return giveConfirmation(tx, parts, { trigger, wish, now });
  });
}

const wantsConfirmation = ({ definition }: Trigger) =>
  (definition.spec as { readonly confirm?: boolean }).confirm === true;

const keyOf = (key: string) => `manual:${key}`;

/**
 * Fires a trigger by hand.
 * @throws as pauseTrigger; {InputError} KERUTA_ERR_BAD_VALUE when a parameter is missing that the trigger wants;
 *         KERUTA_ERR_CONFIRMATION_MISMATCH, _EXPIRED, _USED when it wants a confirmation and this is none
 */
export async function fireNow(parts: SessionParts, wish: FireWish): Promise<Fired> {
  const { caller, parameters = {}, isForced = false } = wish;
  return onTrigger(
    parts,
    { ...wish, trigger: wish.trigger ?? 'manual' },
    async (tx, { trigger, workflow }, now) => {
      refuseMissing(trigger, { ...workflow.definition.run.parameters, ...parameters });
      const at = wish.at ?? now;
      const key = keyOf(wish.key ?? parts.random.uuid7(now));
      // the same wish told twice is not a token used twice
      if (wantsConfirmation(trigger) && (await tx.occurrence(trigger.id, key)) === null)
        await takeConfirmation(tx, { trigger, wish, now });
      const times = { nominalAt: at, effectiveAt: at, now };
      const by = { source: 'manual', reason: 'asked', actor: caller.actor } as const;
      const fired = await fireIn(tx, parts, {
        trigger,
        workflow,
        key,
        ...times,
        ...by,
        parameters,
        isForced,
      });
      const details = { executionId: fired.occurrence.id, isForced };
      if (fired.isNew)
        await record(tx, parts, { ref: wish, action: 'trigger.fired', trigger, workflow, now, details });
      return fired;
    },
  );
}

function refuseMissing(trigger: Trigger, given: Readonly<Record<string, unknown>>): void {
  const { required } = trigger.definition.spec as { readonly required?: readonly string[] };
  const missing = (required ?? []).filter((name) => !Object.hasOwn(given, name));
  if (missing.length === 0) return;
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `Trigger ${trigger.name} wants the parameters ${missing.join(', ')}; give them with --param NAME=VALUE.`,
  );
}

/** Finds a trigger. @throws as pauseTrigger */
export async function findTrigger(reads: Reads, ref: Omit<TriggerRef, 'caller'>): Promise<FoundTrigger> {
  const workflow = await namedWorkflow(reads, ref.workflow);
  const triggers = await reads.triggers({ workflowId: workflow.id });
  const timed = triggers.filter(({ type }) => type !== 'manual');
  const found =
    ref.trigger === undefined
      ? timed.length === 1
        ? timed[0]
        : undefined
      : triggers.find(({ id, name }) => name === ref.trigger || id === ref.trigger);
  if (found !== undefined) return { trigger: found, workflow };
  const names = triggers.map(({ name }) => name).join(', ');
  const wanted = ref.trigger === undefined ? 'is not the only one' : `${ref.trigger} is none of them`;
  throw new NotFoundError(
    'KERUTA_ERR_TRIGGER_NOT_FOUND',
    `Workflow ${workflow.name} has the triggers ${names}; the one that is meant ${wanted}. Name one.`,
  );
}

/** Does something with a trigger in a transaction that holds it. @throws as pauseTrigger */
export async function onTrigger<T>(
  parts: SessionParts,
  ref: TriggerRef,
  work: (tx: Transaction, found: FoundTrigger, now: number) => Promise<T>,
): Promise<T> {
  const { trigger } = await findTrigger(parts.store, ref);
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    await tx.lockTrigger(trigger.id);
    return work(tx, await findTrigger(tx, ref), now);
  });
}

/** Puts on record who did what to a trigger. */
export function record(
  tx: Transaction,
  parts: SessionParts,
  done: FoundTrigger & {
    readonly ref: TriggerRef;
    readonly action: string;
    readonly now: number;
    readonly details?: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  return recordAct(tx, parts, { ...done, caller: done.ref.caller });
}
