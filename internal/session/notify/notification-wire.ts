import type { NotificationWire, TriedChannelWire } from '../../api/notification-shapes.ts';
import type { Notification } from '../../domain/notification.ts';
import { toInstant, toInstantOrNull } from '../wire.ts';
import type { Tried } from './notification-verbs.ts';

/** A notification on the wire. */
export function toNotificationWire(one: Notification): NotificationWire {
  const { id, channel, event, message, state, tries, error, createdAt, dueAt, settledAt } = one;
  const { workflow, session, taskId } = message.words;
  return {
    ...{ id, channel, event, subject: message.subject, text: message.text, workflow, session, taskId },
    ...{ state, tries, error, createdAt: toInstant(createdAt) },
    ...{ dueAt: toInstantOrNull(dueAt), settledAt: toInstantOrNull(settledAt) },
  };
}

/** What became of a try, on the wire. */
export function toTriedWire({ id, channel, type, delivery }: Tried): TriedChannelWire {
  return { id, channel, type, isTaken: delivery.isTaken, error: delivery.isTaken ? null : delivery.why };
}
