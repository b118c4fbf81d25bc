/** The log of a session: what happened to it, and what clients note. */
import { z } from 'zod';
import { longText } from '../../api/limited.ts';
import {
  addSessionLog,
  countSessionLogs,
  deleteSessionLogs,
  getSessionLog,
  listSessionLogs,
  readSessionLevel,
  recentSessionLogs,
  type SessionLogFilter,
} from '../../session/session-log.ts';
import { readTime } from '../../session/task-logs.ts';
import { toSessionLogWire } from '../../session/wire.ts';
import { readIdempotencyKey } from '../idempotency-key.ts';
import { operators, type Route, readers, route } from '../route.ts';
import { idPath } from './path.ts';

const tag = 'session logs';
const base = '/api/v1/sessions/:id/logs';
const text = z.string().trim().min(1).max(255);
const lineShape = z.object({
  id: z.string(),
  sessionId: z.string(),
  level: z.string(),
  source: z.string(),
  action: z.string(),
  message: z.string(),
  details: z.string().nullable(),
  metadata: z.record(z.string(), z.unknown()),
  userId: z.string().nullable(),
  timestamp: z.string(),
});
const filterQuery = z.object({
  level: z.string().optional(),
  source: z.string().optional(),
  action: z.string().optional(),
  startTime: z.string().optional(),
  endTime: z.string().optional(),
});
const page = {
  limit: z.coerce.number().int().min(1).max(10_000).default(100),
  offset: z.coerce.number().int().min(0).default(0),
};
const many = { 200: z.array(lineShape) };

/** Routes of `/api/v1/sessions/{id}/logs`. */
export const sessionLogRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: base,
    masked: true,
    access: operators,
    summary:
      'Adds a line to the log of a session; with an Idempotency-Key header the same key adds no second one.',
    tag,
    params: idPath,
    body: z.object({
      level: z.string(),
      source: text,
      action: text,
      message: longText,
      details: longText.nullish(),
      metadata: z.record(z.string(), z.unknown()).nullish(),
      userId: z.string().max(255).nullish(),
    }),
    answers: { 200: lineShape },
    handle: async ({ params, body, caller, headers }, parts) => {
      const key = readIdempotencyKey(headers);
      const log = await addSessionLog(parts, { caller, sessionId: params.id }, body, { key });
      return { status: 200, body: toSessionLogWire(log) };
    },
  }),
  route({
    method: 'GET',
    path: base,
    access: readers,
    summary: 'Lists the log of a session, newest first.',
    tag,
    params: idPath,
    query: filterQuery.extend(page),
    answers: many,
    handle: async ({ params, query, caller }, parts) => {
      const list = { filter: readFilter(query), page: query };
      const logs = await listSessionLogs(parts, { caller, sessionId: params.id }, list);
      return { status: 200, body: logs.map(toSessionLogWire) };
    },
  }),
  route({
    method: 'GET',
    path: `${base}/count`,
    access: readers,
    summary: 'Counts the lines of a session’s log.',
    tag,
    params: idPath,
    query: filterQuery,
    answers: { 200: z.object({ count: z.number() }) },
    handle: async ({ params, query, caller }, parts) => ({
      status: 200,
      body: { count: await countSessionLogs(parts, { caller, sessionId: params.id }, readFilter(query)) },
    }),
  }),
  route({
    method: 'GET',
    path: `${base}/:logId`,
    access: readers,
    summary: 'Gives one line of a session’s log.',
    tag,
    params: z.object({ id: z.string(), logId: z.string() }),
    answers: { 200: lineShape },
    handle: async ({ params, caller }, parts) => ({
      status: 200,
      body: toSessionLogWire(await getSessionLog(parts, { caller, sessionId: params.id }, params.logId)),
    }),
  }),
  route({
    method: 'DELETE',
    path: base,
    access: operators,
    summary: 'Empties the log of a session.',
    tag,
    params: idPath,
    answers: { 204: null },
    handle: async ({ params, caller }, parts) => {
      await deleteSessionLogs(parts, { caller, sessionId: params.id });
      return { status: 204 };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/logs/recent',
    access: readers,
    summary: 'Lists the newest lines of all sessions.',
    tag,
    query: z.object({ limit: page.limit }),
    answers: many,
    handle: async ({ query, caller }, parts) => {
      const list = { filter: {}, page: { limit: query.limit, offset: 0 } };
      return { status: 200, body: (await recentSessionLogs(parts, caller, list)).map(toSessionLogWire) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/logs/level/:level',
    access: readers,
    summary: 'Lists the newest lines of all sessions that have a level.',
    tag,
    params: z.object({ level: z.string() }),
    query: z.object({ limit: page.limit }),
    answers: many,
    handle: async ({ params, query, caller }, parts) => {
      const filter = { level: readSessionLevel(params.level) };
      const list = { filter, page: { limit: query.limit, offset: 0 } };
      return { status: 200, body: (await recentSessionLogs(parts, caller, list)).map(toSessionLogWire) };
    },
  }),
];

function readFilter(query: z.output<typeof filterQuery>): SessionLogFilter {
  const from = readTime(query.startTime, null);
  const to = readTime(query.endTime, null);
  return {
    ...(query.level ? { level: readSessionLevel(query.level) } : {}),
    ...(query.source ? { source: query.source } : {}),
    ...(query.action ? { action: query.action } : {}),
    ...(from === null ? {} : { from }),
    ...(to === null ? {} : { to }),
  };
}
