/** What people are told: what waits, what is dead, and whether a channel works. */
import { z } from 'zod';
import {
  agentDiskBody,
  channelShape,
  notificationShape,
  notificationStates,
  triedChannelShape,
  tryChannelBody,
} from '../../api/notification-shapes.ts';
import { requireUnbound } from '../../session/authorize.ts';
import { listNotifications, tryChannel } from '../../session/notify/notification-verbs.ts';
import { toNotificationWire, toTriedWire } from '../../session/notify/notification-wire.ts';
import { sendMs } from '../../session/notify/send-notification.ts';
import { tellDisk } from '../../session/notify/tell-disk.ts';
import { type Access, admins, operators, type Route, route } from '../route.ts';
import { idPath } from './path.ts';

const tag = 'notifications';
const lookers: Access = ['admin', 'read-only'];
/** A try may take as long as sending does; ms. */
const tryDeadlineMs = sendMs + 10_000;

/** Routes of `/api/v1/notifications`, and what agents say of their disks. */
export const notificationRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/notifications',
    access: lookers,
    summary: 'Lists messages to people, newest first: those that wait, that are dead, that were sent.',
    tag,
    query: z.object({
      state: z.enum(notificationStates).optional(),
      channel: z.string().max(200).optional(),
      limit: z.coerce.number().int().min(1).max(1000).default(100),
      offset: z.coerce.number().int().min(0).default(0),
    }),
    answers: { 200: z.array(notificationShape) },
    handle: async ({ caller, query }, parts) => {
      const { state, channel, limit, offset } = query;
      const filter = {
        ...(state === undefined ? {} : { states: [state] }),
        ...(channel === undefined ? {} : { channel }),
      };
      const found = await listNotifications(parts, { caller, ...filter, limit, offset });
      return { status: 200, body: found.map(toNotificationWire) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/notifications/channels',
    access: lookers,
    summary: 'Lists the channels that the server was set up with.',
    tag,
    answers: { 200: z.array(channelShape) },
    handle: async ({ caller }, { notify }) => {
      requireUnbound(caller, 'notifications');
      return { status: 200, body: (notify?.channels ?? []).map(({ name, type }) => ({ name, type })) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/notifications/test',
    access: admins,
    summary: 'Sends a message through a channel, at once and once, and tells whether it was taken.',
    tag,
    waits: true,
    deadlineMs: tryDeadlineMs,
    body: tryChannelBody,
    answers: { 200: triedChannelShape },
    handle: async ({ caller, body, signal }, parts) => ({
      status: 200,
      body: toTriedWire(await tryChannel(parts, { caller, channel: body.channel, signal })),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/sessions/:id/agents/disk',
    access: operators,
    summary: 'Takes what an agent says of its disk; people are told when it is low.',
    tag,
    unmetered: true,
    params: idPath,
    body: agentDiskBody,
    answers: { 204: null },
    handle: async ({ caller, params, body }, parts) => {
      await tellDisk(parts, { caller, sessionId: params.id, disk: body });
      return { status: 204 };
    },
  }),
];
