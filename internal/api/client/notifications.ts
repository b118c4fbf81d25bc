import { z } from 'zod';
import { apiPath } from '../base-url.ts';
import {
  type AgentDiskWire,
  type ChannelWire,
  channelShape,
  type NotificationWire,
  notificationShape,
  type TriedChannelWire,
  triedChannelShape,
} from '../notification-shapes.ts';
import type { CallOptions, Transport } from './transport.ts';

/** A try of a channel may take so long on the server; ms. */
const tryMs = 15_000;

/** Which notifications are listed; absent = any. */
export interface NotificationQuery {
  readonly state?: NotificationWire['state'];
  readonly channel?: string;
  /** 1-1000 */
  readonly limit: number;
}

/** Calls about what people are told. */
export interface NotificationCalls {
  /** Newest first. */
  list(query: NotificationQuery, options?: CallOptions): Promise<NotificationWire[]>;
  channels(options?: CallOptions): Promise<ChannelWire[]>;
  /** Sends a message through a channel. @throws {NotFoundError} KERUTA_ERR_CHANNEL_NOT_FOUND */
  test(channel: string, options?: CallOptions): Promise<TriedChannelWire>;
  /** Says how the disk of an agent is. */
  tellDisk(sessionId: string, disk: AgentDiskWire, options?: CallOptions): Promise<void>;
}

/** @see NotificationCalls */
export function notificationCalls(transport: Transport): NotificationCalls {
  return {
    list: (query, options) =>
      transport.json(
        { method: 'GET', path: apiPath('notifications'), query: { ...query }, ...options },
        z.array(notificationShape),
      ),
    channels: (options) =>
      transport.json(
        { method: 'GET', path: apiPath('notifications', 'channels'), ...options },
        z.array(channelShape),
      ),
    test: (channel, options) =>
      transport.json(
        {
          ...{ method: 'POST', path: apiPath('notifications', 'test'), json: { channel } },
          ...{ notFound: 'KERUTA_ERR_CHANNEL_NOT_FOUND', once: true, waitMs: tryMs },
          ...options,
        },
        triedChannelShape,
      ),
    tellDisk: async (sessionId, disk, options) => {
      const path = apiPath('sessions', sessionId, 'agents', 'disk');
      await transport.done({
        ...{ method: 'POST', path, json: disk, notFound: 'KERUTA_ERR_SESSION_NOT_FOUND' },
        ...options,
      });
    },
  };
}
