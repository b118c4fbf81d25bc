/** What people hold and let go at once: everything, a session, a workflow. */
import { InputError } from '../domain/errors.ts';
import { type Hold, type HoldScope, holdsOver } from '../domain/hold.ts';
import type { Workflow } from '../domain/workflow.ts';
import type { Reads, Transaction } from '../store/store.ts';
import { recordAct } from './append-ledger.ts';
import { holdsLock, namedWorkflow } from './apply-workflow.ts';
import { letGo } from './let-go.ts';
import type { Caller, SessionParts } from './parts.ts';
import type { FoundTrigger } from './trigger-verbs.ts';

/** Triggers that are written at a time. */
const atOnce = 20;

/** What is to be held, or let go. */
export interface HoldWish {
  readonly caller: Caller;
  readonly scope: Exclude<HoldScope, 'trigger'>;
  /** of the session; name or id of the workflow; left out for everything */
  readonly name?: string | undefined;
}

/** What became of it. */
export interface Held {
  /** null: it was not held */
  readonly hold: Hold | null;
  /** names of what it is about; null for everything */
  readonly name: string | null;
  /** triggers that this held or let go, by workflow and name */
  readonly triggers: readonly FoundTrigger[];
}

/**
 * Holds everything, a session or a workflow, also triggers that are made later. Held twice is held once, with the first
 * reason.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE; {NotFoundError} KERUTA_ERR_WORKFLOW_NOT_FOUND
 */
export async function holdMany(
  parts: SessionParts,
  wish: HoldWish & { readonly reason: string },
): Promise<Held> {
  const { store } = parts;
  const { caller, reason } = wish;
  const now = await store.now();
  const { scope, name, workflow } = await named(store, wish);
  const hold = await store.transact(async (tx) => {
    await tx.lockSession(holdsLock);
    const known = (await tx.holds()).find((one) => one.scope === scope && one.name === name);
    if (known !== undefined) return known;
    const made = { scope, name, at: now, actor: caller.actor, reason };
    await tx.putHold(made);
    await recordHold(tx, parts, { wish, workflow, action: 'paused', now, details: { reason } });
    return made;
  });
  const triggers = await eachTrigger(parts, hold, (found) => holdOne(parts, found, now));
  return { hold, name: workflow?.name ?? (name || null), triggers };
}

/**
 * Lets go what `holdMany` held. Triggers that are under another hold, or held by themselves, stay held.
 * @param wish.catchUp  makes good what they let pass, as their policies say; default false
 * @throws as holdMany
 */
export async function releaseMany(
  parts: SessionParts,
  wish: HoldWish & { readonly catchUp?: boolean },
): Promise<Held> {
  const { store } = parts;
  const { catchUp = false } = wish;
  const now = await store.now();
  const { scope, name, workflow } = await named(store, wish);
  const hold = await store.transact(async (tx) => {
    await tx.lockSession(holdsLock);
    const known = (await tx.holds()).find((one) => one.scope === scope && one.name === name) ?? null;
    if (known === null) return null;
    await tx.deleteHold(known);
    await recordHold(tx, parts, { wish, workflow, action: 'resumed', now, details: { catchUp } });
    return known;
  });
  // also when nothing was held: a server that died half way through is made good
  const triggers = await eachTrigger(parts, { scope, name }, (found) =>
    releaseOne(parts, { found, now, catchUp }),
  );
  return { hold, name: workflow?.name ?? (name || null), triggers };
}

async function named(reads: Reads, { scope, name }: HoldWish) {
  if ((scope === 'all') !== (name === undefined))
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `A hold of scope ${scope} ${scope === 'all' ? 'takes no name' : `needs the name of a ${scope}`}.`,
    );
  const workflow = scope === 'workflow' ? await namedWorkflow(reads, name ?? '') : null;
  return { scope, name: workflow?.id ?? name ?? '', workflow };
}

function recordHold(
  tx: Transaction,
  parts: SessionParts,
  done: {
    readonly wish: HoldWish;
    readonly workflow: Workflow | null;
    readonly action: 'paused' | 'resumed';
    readonly now: number;
    readonly details: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  const { wish, workflow, action, now } = done;
  const { caller, scope, name } = wish;
  const details = { ...done.details, ...(scope === 'session' ? { session: name } : {}) };
  const act = { caller, action: `${scope}.${action}`, now, details };
  return recordAct(tx, parts, workflow === null ? act : { ...act, workflow });
}

/** Does something with each trigger under a hold, in a transaction of its own; @returns those it was done to */
async function eachTrigger(
  parts: SessionParts,
  hold: Pick<Hold, 'scope' | 'name'>,
  work: (found: FoundTrigger) => Promise<boolean>,
): Promise<readonly FoundTrigger[]> {
  const { store } = parts;
  const workflows = new Map((await store.workflows()).map((one) => [one.id, one]));
  const under = (await store.triggers({})).flatMap((trigger) => {
    const workflow = workflows.get(trigger.workflowId);
    if (workflow === undefined) return [];
    const found = { trigger, workflow };
    return holdsOver([{ ...hold, at: 0, actor: '', reason: '' }], found).length > 0 ? [found] : [];
  });
  const done: FoundTrigger[] = [];
  for (let from = 0; from < under.length; from += atOnce) {
    const some = under.slice(from, from + atOnce);
    const were = await Promise.all(some.map(work));
    done.push(...some.filter((_, n) => were[n]));
  }
  return done;
}

function holdOne(
  { store }: SessionParts,
  { trigger: { id }, workflow }: FoundTrigger,
  now: number,
): Promise<boolean> {
  return store.transact(async (tx) => {
    await tx.lockTrigger(id);
    const trigger = await tx.trigger(id);
    if (trigger === null || trigger.pausedAt !== null) return false;
    if (holdsOver(await tx.holds(), { trigger, workflow }).length === 0) return false;
    await tx.putTrigger({ ...trigger, pausedAt: now, updatedAt: now });
    return true;
  });
}

function releaseOne(
  parts: SessionParts,
  { found, now, catchUp }: { readonly found: FoundTrigger; readonly now: number; readonly catchUp: boolean },
): Promise<boolean> {
  return parts.store.transact(async (tx) => {
    await tx.lockTrigger(found.trigger.id);
    const trigger = await tx.trigger(found.trigger.id);
    const workflow = await tx.workflow(found.workflow.id);
    if (trigger === null || workflow === null || trigger.pausedAt === null) return false;
    if (holdsOver(await tx.holds(), { trigger, workflow }).length > 0) return false;
    await letGo(tx, parts, { found: { trigger, workflow }, now, catchUp });
    return true;
  });
}
