/** The structured lines of a task, and its raw output as text. */
import { z } from 'zod';
import { atMost } from '../../api/limited.ts';
import { logBody } from '../../api/requests.ts';
import { logShape } from '../../api/shapes.ts';
import { streamNames } from '../../domain/task.ts';
import {
  addLogs,
  countLogs,
  deleteLogs,
  listLogs,
  maxLogBatch,
  readLevel,
  readTime,
} from '../../session/task-logs.ts';
import { toLogWire } from '../../session/wire.ts';
import type { LogFilter } from '../../store/store.ts';
import { readIdempotencyKey } from '../idempotency-key.ts';
import { operators, type Route, readers, route, speakers } from '../route.ts';
import { idPath } from './path.ts';
import { rawAnswer } from './raw-answer.ts';

const tag = 'logs';
const count = z.coerce.number().int().nonnegative();
const filterQuery = z.object({
  level: z.string().optional(),
  source: z.string().optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  startTime: z.string().optional(),
  endTime: z.string().optional(),
});
const defaultPageSize = 100;

/** Routes of `/api/v1/tasks/{id}/logs`. */
export const taskLogRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/tasks/:id/logs',
    masked: true,
    access: speakers,
    summary: 'Adds one structured line; with an Idempotency-Key header the same key adds no second one.',
    tag,
    params: idPath,
    body: logBody,
    answers: { 201: logShape },
    handle: async ({ params, body, caller, headers }, parts) => {
      const key = readIdempotencyKey(headers);
      const [log] = await addLogs(parts, { caller, taskId: params.id }, [body], { key });
      return { status: 201, body: log && toLogWire(log) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/tasks/:id/logs/batch',
    masked: true,
    access: speakers,
    summary:
      'Adds several structured lines in their order, all or none; an Idempotency-Key header counts as for one.',
    tag,
    params: idPath,
    body: z.object({ logs: atMost(maxLogBatch, logBody) }),
    answers: { 201: z.object({ status: z.literal('ok'), count: z.number() }) },
    handle: async ({ params, body, caller, headers }, parts) => {
      const key = readIdempotencyKey(headers);
      const logs = await addLogs(parts, { caller, taskId: params.id }, body.logs, { key });
      return { status: 201, body: { status: 'ok', count: logs.length } };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/tasks/:id/logs',
    access: readers,
    summary:
      'Lists structured lines, newest first; with page or size as one page; with format=text the complete raw output, with Range a part of it, with elide=true only head and tail of what is long.',
    tag,
    params: idPath,
    query: filterQuery.extend({
      page: count.optional(),
      size: count.min(1).max(10_000).optional(),
      format: z.enum(['text', 'json']).optional(),
      stream: z.enum(streamNames).optional(),
      attempt: count.optional(),
      offset: count.optional(),
      elide: z.enum(['true', 'false']).default('false'),
    }),
    answers: { 200: z.array(logShape) },
    handle: async (request, parts) => {
      const { params, query, caller } = request;
      const { page: number, size, format, stream, attempt, offset: from } = query;
      if (format === 'text') {
        const elide = query.elide === 'true';
        return rawAnswer(request, parts, { taskId: params.id, stream, attempt, from, elide });
      }
      const ref = { caller, taskId: params.id };
      const filter = readFilter(query);
      if (number === undefined && size === undefined) {
        const { logs } = await listLogs(parts, ref, { filter });
        return { status: 200, body: logs.map(toLogWire) };
      }
      const limit = size ?? defaultPageSize;
      const page = { limit, offset: (number ?? 0) * limit };
      const { logs, total } = await listLogs(parts, ref, { filter, page });
      const totalElements = await total();
      const totalPages = Math.ceil(totalElements / limit);
      const content = logs.map(toLogWire);
      return { status: 200, body: { content, totalElements, totalPages, size: limit, number: number ?? 0 } };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/tasks/:id/logs/count',
    access: readers,
    summary: 'Counts structured lines.',
    tag,
    params: idPath,
    query: filterQuery,
    answers: { 200: z.object({ count: z.number() }) },
    handle: async ({ params, query, caller }, parts) => ({
      status: 200,
      body: { count: await countLogs(parts, { caller, taskId: params.id }, readFilter(query)) },
    }),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/tasks/:id/logs',
    access: operators,
    summary: 'Removes the structured lines of a task; its raw output stays.',
    tag,
    params: idPath,
    answers: { 204: null },
    handle: async ({ params, caller }, parts) => {
      await deleteLogs(parts, { caller, taskId: params.id });
      return { status: 204 };
    },
  }),
];

function readFilter(query: z.output<typeof filterQuery>): LogFilter {
  const from = readTime(query.from ?? query.startTime, null);
  const to = readTime(query.to ?? query.endTime, null);
  return {
    ...(query.level ? { level: readLevel(query.level) } : {}),
    ...(query.source ? { source: query.source } : {}),
    ...(from === null ? {} : { from }),
    ...(to === null ? {} : { to }),
  };
}
