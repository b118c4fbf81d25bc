import { failpoint } from '../../../pkg/failpoint/failpoint.ts';
import type { Notification } from '../../domain/notification.ts';
import { retryDelayMs } from '../../domain/retry.ts';
import { type Channel, type Delivery, never } from '../../notify/channel.ts';
import { appendLedger } from '../append-ledger.ts';
import type { Sent } from '../outbox.ts';
import type { SessionParts } from '../parts.ts';

/** For sending one message; ms. */
export const sendMs = 15_000;
/** A server that has a message and is gone is waited for this long; ms. Longer than sending takes. */
export const takenMs = 30_000;
/** After so many tries nobody tries any more. With these delays that is most of a working day. */
export const maxTries = 24;
/** Between tries; ms. */
const delays = { backoff: 'exponential', delayMs: 5_000, maxDelayMs: 30 * 60_000 } as const;

/**
 * Takes one message and sends it. Sent, and the server dies before it is written down: it is sent again, under the same id.
 * @returns null when another server has it
 * @throws only what the store throws
 */
export async function sendNotification(
  parts: SessionParts,
  work: { readonly id: string; readonly signal: AbortSignal },
): Promise<Sent | null> {
  const { store, log } = parts;
  const now = await store.now();
  const taken = await take(parts, work.id, now);
  if (taken === null) return null;
  const channel = parts.notify?.channels.find(({ name }) => name === taken.channel);
  const delivery = channel
    ? await sendIn(parts, { channel, taken, signal: work.signal })
    : never(`no server has a channel ${taken.channel}`);
  failpoint('before_notify_mark');
  if (work.signal.aborted && !delivery.isTaken) {
    // the server stops: another one, or this one later, sends it
    await settle(parts, taken, { state: 'waiting', dueAt: now, error: null, settledAt: null });
    return { holdMs: 0, isTold: false };
  }
  const end = endOf(taken, delivery, { now: await store.now(), fraction: parts.random.fraction() });
  if (!delivery.isTaken) {
    const { id, event, tries } = taken;
    const fields = { id, event, channel: taken.channel, tries, why: delivery.why };
    log.warn(
      end.state === 'dead' ? 'a notification is given up' : 'a notification was not taken; it is tried again',
      fields,
    );
  }
  await settle(parts, taken, end);
  return { holdMs: 0, isTold: delivery.isTaken };
}

/** Sends one message through a channel, within the limit of time. Never rejects. */
export async function sendIn(
  parts: Pick<SessionParts, 'clock' | 'log'>,
  work: {
    readonly channel: Channel;
    readonly taken: Pick<Notification, 'id' | 'message' | 'createdAt' | 'tries'>;
    readonly signal: AbortSignal;
  },
): Promise<Delivery> {
  const { id, message, createdAt, tries } = work.taken;
  const late = new AbortController();
  const cancelLate = parts.clock.after(sendMs, () => late.abort(new Error('it took too long')));
  try {
    const outgoing = { ...message, id, createdAt, isRepeated: tries > 1 };
    return await work.channel.send(outgoing, AbortSignal.any([work.signal, late.signal]));
  } catch (error) {
    parts.log.error('a channel of notifications has a fault', { channel: work.channel.name, error });
    return {
      isTaken: false,
      isPassing: true,
      retryAfterMs: null,
      why: 'the channel has a fault; see the log of the server',
    };
  } finally {
    cancelLate();
  }
}

/** What becomes of a message. Pure. @param time.fraction  chance in [0, 1) */
export function endOf(
  { tries }: Pick<Notification, 'tries'>,
  delivery: Delivery,
  { now, fraction }: { readonly now: number; readonly fraction: number },
): Pick<Notification, 'state' | 'dueAt' | 'error' | 'settledAt'> {
  if (delivery.isTaken) return { state: 'sent', dueAt: null, error: null, settledAt: now };
  const { why: error, isPassing, retryAfterMs } = delivery;
  if (!isPassing || tries >= maxTries) return { state: 'dead', dueAt: null, error, settledAt: now };
  const waitMs = retryDelayMs(delays, tries, fraction);
  const dueAt = now + Math.min(delays.maxDelayMs, Math.max(waitMs, retryAfterMs ?? 0));
  return { state: 'waiting', dueAt, error, settledAt: null };
}

async function take({ store }: SessionParts, id: string, now: number): Promise<Notification | null> {
  return store.transact(async (tx) => {
    const isTaken = await tx.takeNotification(id, { now, until: now + takenMs });
    return isTaken ? tx.notification(id) : null;
  });
}

/** One that nobody got to read is on record: people ask why they heard nothing. */
async function settle(
  parts: SessionParts,
  taken: Notification,
  end: Pick<Notification, 'state' | 'dueAt' | 'error' | 'settledAt'>,
): Promise<void> {
  await parts.store.transact(async (tx) => {
    const isOurs = await tx.settleNotification(taken, end);
    if (!isOurs || end.state !== 'dead') return;
    const { id, channel, event, message, tries } = taken;
    await appendLedger(tx, parts, {
      ...{ at: end.settledAt ?? taken.createdAt, kind: 'notification.dead', actor: 'system' },
      ...{ workflow: message.words.workflow, taskId: message.words.taskId, error: end.error },
      details: { id, channel, event, tries },
    });
  });
}
