/** Notifications on the wire. */
import { z } from 'zod';

const instant = z.iso.datetime({ offset: true });

/** States of notifications, as they are asked for. */
export const notificationStates = ['waiting', 'sent', 'dead'] as const;

/** One message to one channel. */
export const notificationShape = z.object({
  /** the receiver finds it in the message */
  id: z.string(),
  channel: z.string(),
  event: z.string(),
  subject: z.string(),
  text: z.string(),
  workflow: z.string().nullable(),
  session: z.string().nullable(),
  taskId: z.string().nullable(),
  state: z.enum(notificationStates),
  /** how often it was tried */
  tries: z.number(),
  /** why it was not taken the last time; null = it was, or nobody tried */
  error: z.string().nullable(),
  createdAt: instant,
  /** when it is tried next; null = never */
  dueAt: instant.nullable(),
  /** when it was sent or given up; null = neither */
  settledAt: instant.nullable(),
});
/** @see notificationShape */
export type NotificationWire = z.output<typeof notificationShape>;

/** A wish to try a channel. */
export const tryChannelBody = z.object({ channel: z.string().min(1).max(200) });

/** What became of it. */
export const triedChannelShape = z.object({
  id: z.string(),
  channel: z.string(),
  type: z.string(),
  isTaken: z.boolean(),
  /** null = it was taken */
  error: z.string().nullable(),
});
/** @see triedChannelShape */
export type TriedChannelWire = z.output<typeof triedChannelShape>;

/** A channel of this server. */
export const channelShape = z.object({ name: z.string(), type: z.string() });
/** @see channelShape */
export type ChannelWire = z.output<typeof channelShape>;

/** What an agent says of the disk of its base directory. */
export const agentDiskBody = z.object({
  agentId: z.string().min(1).max(200),
  hostname: z.string().max(255),
  state: z.enum(['ok', 'low', 'no_files', 'read_only', 'unknown']),
  freeBytes: z.number().int().nonnegative().nullable(),
  floorBytes: z.number().int().nonnegative(),
});
/** @see agentDiskBody */
export type AgentDiskWire = z.input<typeof agentDiskBody>;
