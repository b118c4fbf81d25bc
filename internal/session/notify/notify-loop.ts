/** Sends notifications: each channel on its own, so that one which hangs holds up no other. */
import type { ChannelFilter } from '../../store/notification-store.ts';
import { type Outbox, type Sending, startOutbox } from '../outbox.ts';
import type { SessionParts } from '../parts.ts';
import { sendNotification } from './send-notification.ts';

/**
 * What is for a channel that is not set up here is given up when nobody took it for so long after it was due; ms. Another
 * server may have the channel: one that was started anew with it, while this one was not yet.
 */
export const unclaimedMs = 3_600_000;

/** Sends until the signal is aborted. Any number of servers may do this on one store. */
export function startNotifications(parts: SessionParts, signal: AbortSignal): Sending {
  const names = (parts.notify?.channels ?? []).map(({ name }) => name);
  const all: readonly ChannelFilter[] = [{ except: names }, ...names.map((only) => ({ only }))];
  const loops = all.map((of) => startOutbox(parts, boxOf(parts, of), signal));
  return {
    ended: Promise.all(loops.map(({ ended }) => ended)).then(() => {}),
    doubts: () => [...new Set(loops.flatMap((loop) => loop.doubts()))],
  };
}

function boxOf(parts: SessionParts, of: ChannelFilter): Outbox {
  const { store } = parts;
  const patienceMs = 'except' in of ? unclaimedMs : 0;
  return {
    name: 'notifications',
    topic: 'notifications',
    doubt: 'notifications are not taken; see `keruta notify list`',
    due: (now: number, limit: number) => store.dueNotifications({ of, now: now - patienceMs, limit }),
    nextAt: async () => {
      const at = await store.nextNotificationAt(of);
      return at === null ? null : at + patienceMs;
    },
    send: (id: string, stop: AbortSignal) => sendNotification(parts, { id, signal: stop }),
    // once for all channels
    ...('except' in of
      ? {
          forget: (before: number, limit: number) =>
            store.transact((tx) => tx.deleteNotifications(before, limit)),
        }
      : {}),
  };
}
