/** Where reading a mailbox begins: the first time, and when its messages got other numbers. */
import { skip } from './fire.ts';
import type { Looking, MailTrigger } from './look-at-mailbox.ts';
import {
  type MailboxState,
  mailboxState,
  putMailboxState,
  putTriggerStart,
  type TriggerStart,
  triggerStart,
} from './mailbox-state.ts';
import { type SessionParts, systemCaller } from './parts.ts';

/** So much before the newest message is looked when numbers are others: days begin at different times; ms. */
const marginMs = 86_400_000;

/**
 * Says how far a mailbox was read. The first time that is everything that is in it. When the numbers are others than before,
 * what came since the newest message, and a day before, is looked at again; what was taken is told by its Message-ID.
 */
export async function beginMailbox(parts: SessionParts, looking: Looking): Promise<MailboxState> {
  const { key, connection, triggers } = looking;
  const { uidValidity, uidNext } = connection.mailbox;
  const known = await mailboxState(parts.store, key);
  if (known?.uidValidity === uidValidity) return known;
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    await tx.lockSession(`mailbox ${key}`);
    const before = await mailboxState(tx, key);
    if (before?.uidValidity === uidValidity) return before;
    const state: MailboxState =
      before === null
        ? { uidValidity, lastUid: uidNext - 1, arrivedAt: now, renumbered: null }
        : {
            ...{ uidValidity, lastUid: 0, arrivedAt: before.arrivedAt },
            renumbered: { untilUid: uidNext, sinceMs: before.arrivedAt - marginMs },
          };
    await putMailboxState(tx, key, state);
    if (before === null) return state;
    for (const { trigger } of triggers) {
      const workflow = await tx.workflow(trigger.workflowId);
      if (workflow === null) continue;
      const times = { nominalAt: now, effectiveAt: now, now };
      const firing = { trigger, workflow, ...times, source: 'email', reason: 'event' } as const;
      const details = { mailbox: key, before: before.uidValidity, now: uidValidity };
      const occurrenceKey = `uidvalidity:${before.uidValidity}-${uidValidity}:${now}`;
      await skip(tx, parts, {
        firing: { ...firing, key: occurrenceKey, actor: systemCaller.actor },
        reason: 'uidvalidity_reset',
        details,
      });
    }
    return state;
  });
}

/**
 * Says from where on each trigger counts: for one that is new, from the next message on.
 * @param begin.fromUid  number behind the newest message
 */
export async function startsOf(
  parts: SessionParts,
  begin: {
    readonly triggers: readonly MailTrigger[];
    readonly uidValidity: number;
    readonly fromUid: number;
  },
): Promise<ReadonlyMap<string, TriggerStart>> {
  const starts = new Map<string, TriggerStart>();
  for (const { trigger } of begin.triggers) {
    const known = await triggerStart(parts.store, trigger.id);
    starts.set(trigger.id, known ?? (await startNew(parts, trigger.id, begin)));
  }
  return starts;
}

async function startNew(
  { store }: SessionParts,
  triggerId: string,
  { uidValidity, fromUid }: { readonly uidValidity: number; readonly fromUid: number },
): Promise<TriggerStart> {
  const at = await store.now();
  return store.transact(async (tx) => {
    await tx.lockTrigger(triggerId);
    const other = await triggerStart(tx, triggerId);
    if (other !== null) return other;
    const start = { uidValidity, fromUid, at };
    await putTriggerStart(tx, triggerId, start);
    return start;
  });
}
