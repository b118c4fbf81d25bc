import { NotFoundError } from '../../domain/errors.ts';
import type { Notification } from '../../domain/notification.ts';
import type { Delivery } from '../../notify/channel.ts';
import { recordAct } from '../append-ledger.ts';
import { requireUnbound } from '../authorize.ts';
import type { Caller, SessionParts } from '../parts.ts';
import { toInstant } from '../wire.ts';
import { sendIn } from './send-notification.ts';

/** Lists notifications, newest first. @throws {DeniedError} for a token that is bound to a session */
export async function listNotifications(
  { store }: SessionParts,
  wish: {
    readonly caller: Caller;
    /** absent = all */
    readonly states?: readonly Notification['state'][];
    readonly channel?: string;
    readonly limit: number;
    readonly offset: number;
  },
): Promise<readonly Notification[]> {
  const { caller, limit, offset, ...filter } = wish;
  requireUnbound(caller, 'notifications');
  return store.notifications(filter, { limit, offset });
}

/** A message that was sent to try a channel. */
export interface Tried {
  readonly id: string;
  readonly channel: string;
  readonly type: string;
  readonly delivery: Delivery;
}

/**
 * Sends one message through a channel, at once and only once, and puts on record who did.
 * @throws {NotFoundError} KERUTA_ERR_CHANNEL_NOT_FOUND, which names those that there are
 */
export async function tryChannel(
  parts: SessionParts,
  wish: { readonly caller: Caller; readonly channel: string; readonly signal: AbortSignal },
): Promise<Tried> {
  const channels = parts.notify?.channels ?? [];
  const channel = channels.find(({ name }) => name === wish.channel);
  if (channel === undefined) {
    const known = channels.map(({ name }) => name).join(', ');
    throw new NotFoundError(
      'KERUTA_ERR_CHANNEL_NOT_FOUND',
      `This server has no channel ${JSON.stringify(wish.channel.slice(0, 100))}; ${known === '' ? 'none is set up: see KERUTA_NOTIFY_FILE' : `it has ${known}`}.`,
    );
  }
  const now = await parts.store.now();
  const id = parts.random.uuid7(now);
  const subject = 'A message to try this channel';
  const text = `Somebody wants to know whether messages arrive here.\nat ${toInstant(now)}`;
  const words = {
    ...{ event: 'test', summary: subject, details: text, workflow: null, session: null, task: null },
    ...{ taskId: null, agent: null, failures: null, message: '', url: null, at: toInstant(now) },
  };
  const taken = { id, createdAt: now, tries: 1, message: { subject, text, words } };
  const delivery = await sendIn(parts, { channel, taken, signal: wish.signal });
  const details = { id, channel: channel.name, isTaken: delivery.isTaken };
  await parts.store.transact((tx) =>
    recordAct(tx, parts, { caller: wish.caller, action: 'notification.tried', now, details }),
  );
  return { id, channel: channel.name, type: channel.type, delivery };
}
