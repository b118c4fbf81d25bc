import type { z } from 'zod';
import type { claimRequest } from '../api/protocol.ts';
import { type Attempt, type AttemptReason, defaultTiming, type LeaseTiming } from '../domain/attempt.ts';
import { isClosed, type Session } from '../domain/session.ts';
import type { Task } from '../domain/task.ts';
import type { Transaction } from '../store/store.ts';
import { noteSighting, putSighting, seeAgent } from './agent-seen.ts';
import { visibleSession } from './authorize.ts';
import { neverSpoke, newAttempt } from './new-attempt.ts';
import { type Caller, type SessionParts, systemCaller } from './parts.ts';
import { pickTask, withinDeadline } from './pick-task.ts';
import { auditTask, putAndTell } from './put-task.ts';
import { recordBegin } from './record-step.ts';
import { wasRetried } from './retry-mark.ts';
import { findReleased, findSlotHolder } from './slot.ts';
import { mintTaskToken } from './tokens.ts';
import { Wakeup } from './wakeup.ts';

/** A wish for work. */
export interface ClaimWish {
  readonly caller: Caller;
  readonly sessionId: string;
  readonly request: z.output<typeof claimRequest>;
  /** ends the wait early; the answer is then "nothing" */
  readonly signal: AbortSignal;
}

/** What an agent gets: the task, now PROCESSING, its attempt, and the token for the run. */
export interface Claimed {
  readonly task: Task;
  readonly attempt: Attempt;
  readonly token: string;
}

/**
 * Claims the next runnable task of a session: highest priority first, to which waiting adds, then oldest. Waits for one up to `waitMs`.
 *
 * One attempt at a time: while another attempt of the session is open, or lost and still within its hold, there is
 * nothing. The same (agentId, claimId) again gives the same attempt with a fresh token.
 *
 * @returns the session, and null instead of a claim when there was nothing to do or the session is closed; then also the
 *          attempt of another agent that is in the way
 * @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND
 */
export async function claim(
  parts: SessionParts,
  wish: ClaimWish,
): Promise<{ readonly session: Session; readonly claim: Claimed | null; readonly holder?: Attempt | null }> {
  const { store, clock } = parts;
  const deadline = clock.monotonicMs() + wish.request.waitMs;
  let session = await visibleSession(store, wish.caller, wish.sessionId);
  const held = { ...wish, sessionId: session.id };
  const wakeup = new Wakeup(store, `session:${session.id}`);
  try {
    for (;;) {
      const claimed = (await mayFind(parts, held)) ? await claimNow(parts, held) : null;
      if (claimed) return { session, claim: claimed };
      await seeIdle(parts, held);
      const left = deadline - clock.monotonicMs();
      if (isClosed(session.status)) return { session, claim: null };
      if (left <= 0) return { session, claim: null, holder: await otherHolder(parts, held) };
      const waitMs = Math.min(left, await untilDue(parts, session.id));
      if ((await wakeup.wait(clock, waitMs, wish.signal)) === 'stopped') return { session, claim: null };
      session = await visibleSession(store, wish.caller, session.id);
    }
  } finally {
    wakeup.close();
  }
}

/** The attempt of another agent that has the slot of the session; null: there is none. */
async function otherHolder(parts: SessionParts, { sessionId, request }: ClaimWish): Promise<Attempt | null> {
  const { store, timing = defaultTiming } = parts;
  const holder = await findSlotHolder(store, sessionId, { leaseNow: await store.leaseNow(), timing });
  return holder?.agentId === request.agentId ? null : holder;
}

/** A look without a lock, so that a session which is merely busy costs its waiting agents no transactions. */
async function mayFind(parts: SessionParts, { sessionId, request }: ClaimWish): Promise<boolean> {
  const { store } = parts;
  const open = await store.openAttempts(sessionId);
  if (open.some((attempt) => attempt.agentId === request.agentId)) return true;
  if (open.length > 0) return false;
  const labels = labelsOf(request);
  if ((await store.nextTask({ sessionId, now: await store.now(), outside: [], labels })) !== null)
    return true;
  return (await store.countTasks({ sessionId, statuses: ['LOST'] })) > 0;
}

const labelsOf = ({ agent }: ClaimWish['request']): readonly string[] => agent?.labels ?? [];

/** How long it takes until a task that waits for its time may be claimed; ms. */
async function untilDue({ store }: SessionParts, sessionId: string): Promise<number> {
  const now = await store.now();
  const next = await store.nextNotBefore(sessionId, now);
  return next === null ? Number.POSITIVE_INFINITY : next - now;
}

async function seeIdle(parts: SessionParts, { sessionId, request }: ClaimWish): Promise<void> {
  const { agentId, agent: about } = request;
  const now = await parts.store.now();
  await seeAgent(parts.store, { agentId, sessionId, taskId: null, about, now });
}

async function claimNow(parts: SessionParts, wish: ClaimWish): Promise<Claimed | null> {
  const { store } = parts;
  const { agentId, agent } = wish.request;
  const now = await store.now();
  const leaseNow = await store.leaseNow();
  const claimed = await store.transact(async (tx) => {
    await tx.lockSession(wish.sessionId);
    const session = await tx.session(wish.sessionId);
    if (!session || isClosed(session.status)) return null;
    const time = { parts, wish, now, leaseNow, timing: parts.timing ?? defaultTiming };
    const found = await findAttempt(tx, time);
    if (!found) return null;
    const { task, attempt } = found;
    await auditOverlaps(tx, parts, { ...time, task });
    const run = { taskId: task.id, sessionId: session.id, attempt: attempt.number, now };
    const { token } = await mintTaskToken(tx, parts, run);
    await putSighting(tx, { agentId, sessionId: session.id, taskId: task.id, about: agent, now });
    return { task: withinDeadline(task, now), attempt, token };
  });
  if (claimed) noteSighting(store, { agentId, sessionId: wish.sessionId, taskId: claimed.task.id, now });
  return claimed;
}

/** A slot that was given up by time alone is on record, once: two tasks of the session may run at the same time. */
async function auditOverlaps(
  tx: Transaction,
  parts: SessionParts,
  time: ClaimTime & { readonly task: Task },
): Promise<void> {
  for (const { task, attempt } of await findReleased(tx, time.wish.sessionId, time)) {
    const name = `released:${task.id}:${attempt.number}`;
    if (task.id === time.task.id || (await tx.meta(name)) !== null) continue;
    await tx.putMeta(name, String(time.now), { taskId: task.id });
    const details = { attempt: attempt.number, agentId: attempt.agentId, nextTaskId: time.task.id };
    const action = 'slot.possible_overlap';
    await auditTask(tx, { parts, caller: systemCaller, action, task, now: time.now, details });
  }
}

interface ClaimTime {
  readonly parts: SessionParts;
  readonly wish: ClaimWish;
  readonly now: number;
  readonly leaseNow: number;
  readonly timing: LeaseTiming;
}

interface TaskAttempt {
  readonly task: Task;
  readonly attempt: Attempt;
}

async function findAttempt(tx: Transaction, time: ClaimTime): Promise<TaskAttempt | null> {
  const { agentId, claimId } = time.wish.request;
  const same = await tx.attemptByClaim(agentId, claimId);
  if (same) {
    const again = await claimAgain(tx, same, time);
    if (again !== 'anew') return again;
  }
  const holder = await findSlotHolder(tx, time.wish.sessionId, time);
  if (holder) {
    // The agent asks anew although this attempt is its own: the answer to its claim was lost before anything began.
    // (A wish from before that attempt, which comes again, does not say so.)
    const own = same === null && holder.agentId === agentId;
    const forgotten = own && holder.leaseUntil !== null && neverSpoke(holder);
    return forgotten ? replaceForgotten(tx, holder, time) : null;
  }
  const labels = labelsOf(time.wish.request);
  const task = await pickTask(tx, { ...time, sessionId: time.wish.sessionId, labels });
  if (!task) return null;
  return begin(tx, { task, reason: await reasonFor(tx, task), ...time });
}

/** The same wish again: the same attempt, with a new lease; `anew` when that attempt was replaced meanwhile. */
async function claimAgain(
  tx: Transaction,
  attempt: Attempt,
  { wish, now, leaseNow, timing }: ClaimTime,
): Promise<TaskAttempt | null | 'anew'> {
  const task = await tx.task(attempt.taskId);
  if (!task || task.sessionId !== wish.sessionId || attempt.state === 'finished') return null;
  if (attempt.state === 'superseded') {
    // One wish, one attempt: the old row gives the wish back.
    await tx.putAttempt({ ...attempt, claimId: `${attempt.claimId}#${attempt.taskId}.${attempt.number}` });
    return 'anew';
  }
  const renewed: Attempt = {
    ...attempt,
    state: attempt.state === 'lost' ? 'claimed' : attempt.state,
    leaseUntil: leaseNow + timing.leaseMs,
  };
  if (attempt.state === 'lost') {
    const holder = await findSlotHolder(tx, wish.sessionId, { leaseNow, timing });
    if (holder && holder.taskId !== attempt.taskId) return null;
  }
  await tx.putAttempt(renewed);
  const fresh =
    task.status === 'LOST'
      ? await putAndTell(tx, { ...task, status: 'PROCESSING', reason: null }, now)
      : task;
  return { task: fresh, attempt: renewed };
}

async function replaceForgotten(
  tx: Transaction,
  forgotten: Attempt,
  time: ClaimTime,
): Promise<TaskAttempt | null> {
  const task = await tx.task(forgotten.taskId);
  if (!task) return null;
  await tx.putAttempt({ ...forgotten, state: 'superseded', finishedAt: time.now });
  return begin(tx, { task, reason: 'never_started', ...time });
}

async function reasonFor(tx: Transaction, task: Task): Promise<AttemptReason> {
  if (task.attempt === 0) return 'first';
  return (await wasRetried(tx, task.id, task.attempt)) ? 'manual_retry' : 'retry';
}

async function begin(
  tx: Transaction,
  {
    parts,
    task,
    reason,
    wish,
    now,
    leaseNow,
    timing,
  }: ClaimTime & { readonly task: Task; readonly reason: AttemptReason },
): Promise<TaskAttempt> {
  const { agentId, claimId } = wish.request;
  const number = task.attempt + 1;
  const attempt = newAttempt({
    taskId: task.id,
    number,
    reason,
    agentId,
    claimId,
    leaseUntil: leaseNow + timing.leaseMs,
    now,
  });
  await tx.putAttempt(attempt);
  await tx.expireTaskTokens(task.id, now);
  const processing = await putAndTell(
    tx,
    {
      ...task,
      status: 'PROCESSING',
      attempt: number,
      notBefore: null,
      progress: 0,
      message: '',
      errorCode: '',
      exitCode: null,
      signal: null,
      reason: null,
      usage: null,
      logComplete: false,
      late: false,
      startedAt: now,
      finishedAt: null,
    },
    now,
  );
  await recordBegin(tx, parts, { task: processing, now });
  return { task: processing, attempt };
}
