/**
 * How far a mailbox was read, and from where on a trigger counts. Kept as values under names: written in the transaction that
 * makes the task, so that a message is never taken twice nor passed over.
 */
import type { Reads, Transaction } from '../store/store.ts';

/** How far a mailbox was read. */
export interface MailboxState {
  /** of the mailbox: another one means that the numbers are others */
  readonly uidValidity: number;
  /** everything up to this number was decided */
  readonly lastUid: number;
  /** when the newest of them came, by the mail server's clock; epoch ms */
  readonly arrivedAt: number;
  /** the numbers are others than before: what lies below `untilUid` counts only when it came since; null = they are not */
  readonly renumbered: { readonly untilUid: number; readonly sinceMs: number } | null;
}

/** From where on a trigger counts: older messages never fire it. */
export interface TriggerStart {
  readonly uidValidity: number;
  /** the first number that counts */
  readonly fromUid: number;
  /** when that was; epoch ms: counts when the numbers are others */
  readonly at: number;
}

const stateName = (key: string) => `mailbox:${key}`;
const startName = (triggerId: string) => `mailbox-start:${triggerId}`;

/** @param key  account and name of a mailbox */
export async function mailboxState(reads: Reads, key: string): Promise<MailboxState | null> {
  const text = await reads.meta(stateName(key));
  return text ? (JSON.parse(text) as MailboxState) : null;
}

/** Keeps how far a mailbox was read. */
export async function putMailboxState(tx: Transaction, key: string, state: MailboxState): Promise<void> {
  await tx.putMeta(stateName(key), JSON.stringify(state));
}

/** From where on a trigger counts; null when that was not decided. */
export async function triggerStart(reads: Reads, triggerId: string): Promise<TriggerStart | null> {
  const text = await reads.meta(startName(triggerId));
  return text ? (JSON.parse(text) as TriggerStart) : null;
}

/** Keeps it; null forgets it, so that a trigger that is switched on again starts anew. */
export async function putTriggerStart(
  tx: Transaction,
  triggerId: string,
  start: TriggerStart | null,
): Promise<void> {
  await tx.putMeta(startName(triggerId), start === null ? '' : JSON.stringify(start));
}

/** Whether a message is new to a trigger. @param arrivedAt  epoch ms */
export function isNewTo(
  { uidValidity, fromUid, at }: TriggerStart,
  state: MailboxState,
  { uid, arrivedAt }: { readonly uid: number; readonly arrivedAt: number },
): boolean {
  if (uidValidity === state.uidValidity) return uid >= fromUid;
  const isBehind = state.renumbered === null || uid >= state.renumbered.untilUid;
  return isBehind || arrivedAt >= at;
}
