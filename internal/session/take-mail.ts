/** One message becomes occurrences and tasks, in the transaction that says that it was read. */
import { createHash } from 'node:crypto';
import { UnavailableError } from '../domain/errors.ts';
import type { OccurrenceReason } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { fireIn, skip } from './fire.ts';
import { type MailboxState, mailboxState, putMailboxState } from './mailbox-state.ts';
import { type SessionParts, systemCaller } from './parts.ts';

/** What one trigger makes of a message. */
export type MailWish =
  | { readonly triggerId: string; readonly data: Readonly<Record<string, unknown>> }
  | { readonly triggerId: string; readonly refused: Readonly<Record<string, unknown>> };

/** A message that some trigger is interested in. */
export interface MailTaking {
  /** account and name of the mailbox */
  readonly key: string;
  readonly uidValidity: number;
  readonly uid: number;
  /** epoch ms */
  readonly arrivedAt: number;
  /** @see mailIdentity */
  readonly identity: string;
  readonly wishes: readonly MailWish[];
}

/** For so long the same Message-ID is the same message; ms. */
const sameMessageMs = 30 * 86_400_000;

/**
 * What makes a message the same when it comes again: its Message-ID, or its headers when it has none.
 * @returns a key of occurrences
 */
export function mailIdentity(messageId: string | null, headers: Uint8Array): string {
  if (messageId !== null && /^[\x21-\x7e]{1,200}$/.test(messageId)) return `message:${messageId}`;
  const bytes = messageId === null ? headers : Buffer.from(messageId);
  return `message:sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/**
 * Takes a message: an occurrence for each trigger, a task for those that run, and how far the mailbox was read, or nothing.
 * @returns triggers that run now; null when another server, or an earlier life of this one, took it before
 * @throws {UnavailableError} KERUTA_ERR_RATE_LIMITED when a queue is full: the message is there still, and is taken later
 */
export async function takeMail(parts: SessionParts, taking: MailTaking): Promise<readonly string[] | null> {
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    const state = await lockedState(tx, taking);
    if (state === null || taking.uid <= state.lastUid) return null;
    const ran: string[] = [];
    for (const wish of taking.wishes)
      if (await grant(tx, parts, { wish, taking, now })) ran.push(wish.triggerId);
    await advance(tx, state, taking);
    return ran;
  });
}

/** Says that messages up to one were looked at and are nobody's. */
export async function passMail(
  parts: SessionParts,
  passed: Pick<MailTaking, 'key' | 'uidValidity' | 'uid' | 'arrivedAt'>,
): Promise<void> {
  await parts.store.transact(async (tx) => {
    const state = await lockedState(tx, passed);
    if (state !== null && passed.uid > state.lastUid) await advance(tx, state, passed);
  });
}

/** How far the mailbox was read, when its numbers are still those of the message; servers wait for each other here. */
async function lockedState(
  tx: Transaction,
  { key, uidValidity }: Pick<MailTaking, 'key' | 'uidValidity'>,
): Promise<MailboxState | null> {
  await tx.lockSession(`mailbox ${key}`);
  const state = await mailboxState(tx, key);
  return state?.uidValidity === uidValidity ? state : null;
}

async function advance(
  tx: Transaction,
  state: MailboxState,
  { key, uid, arrivedAt }: Pick<MailTaking, 'key' | 'uid' | 'arrivedAt'>,
): Promise<void> {
  await putMailboxState(tx, key, { ...state, lastUid: uid, arrivedAt: Math.max(state.arrivedAt, arrivedAt) });
}

/** @returns whether a task was made */
async function grant(
  tx: Transaction,
  parts: SessionParts,
  { wish, taking, now }: { readonly wish: MailWish; readonly taking: MailTaking; readonly now: number },
): Promise<boolean> {
  const { triggerId } = wish;
  await tx.lockTrigger(triggerId);
  const trigger = await tx.trigger(triggerId);
  const workflow = trigger === null ? null : await tx.workflow(trigger.workflowId);
  // it was removed since it was looked at
  if (trigger === null || workflow === null) return false;
  const at = taking.arrivedAt;
  const about = { trigger, workflow, source: 'email', nominalAt: at, effectiveAt: at, now } as const;
  const firing = { ...about, reason: 'event', actor: systemCaller.actor } as const;
  if ('refused' in wish) {
    // a name of its own: who is refused does not get to spend the Message-ID of somebody else
    const key = await freeKey(tx, { triggerId, key: `refused:${taking.identity}`, taking, now });
    const reason: OccurrenceReason = 'sender_refused';
    await skip(tx, parts, { firing: { ...firing, key }, reason, details: wish.refused });
    return false;
  }
  const key = await freeKey(tx, { triggerId, key: taking.identity, taking, now });
  const event = { id: parts.random.uuid7(now), triggerId, kind: '', at: now, data: wish.data };
  const { occurrence, isNew } = await fireIn(tx, parts, { ...firing, key, event });
  if (isNew && occurrence.reason === 'queue_full')
    throw new UnavailableError(
      'KERUTA_ERR_RATE_LIMITED',
      `The message waits in its mailbox: ${String(occurrence.details.message)}`,
    );
  return isNew && occurrence.decision === 'run';
}

/** The key, or another one when it is of a message that is long past. */
async function freeKey(
  tx: Transaction,
  {
    triggerId,
    key,
    taking,
    now,
  }: { readonly triggerId: string; readonly key: string; readonly taking: MailTaking; readonly now: number },
): Promise<string> {
  const known = await tx.occurrence(triggerId, key);
  if (known === null || known.decidedAt >= now - sameMessageMs) return key;
  return `${key} ${taking.uidValidity}.${taking.uid}`;
}
