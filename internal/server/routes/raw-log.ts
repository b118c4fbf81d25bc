/** The attempts of a task, and the raw output of each. */
import { z } from 'zod';
import { usageShape } from '../../api/shapes.ts';
import type { Attempt } from '../../domain/attempt.ts';
import { streamNames } from '../../domain/task.ts';
import { listAttempts } from '../../session/raw-log.ts';
import { toInstant } from '../../session/wire.ts';
import { type Route, readers, route } from '../route.ts';
import { attemptParams, attemptPath } from './attempts.ts';
import { rawAnswer } from './raw-answer.ts';

const streamShape = z.object({ size: z.number(), crc32: z.number(), lostBytes: z.number() });
const attemptShape = z.object({
  number: z.number(),
  state: z.string(),
  reason: z.string(),
  agentId: z.string(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  exitCode: z.number().nullable(),
  signal: z.string().nullable(),
  endReason: z.string().nullable(),
  declared: z.string().nullable(),
  streams: z.object({ stdout: streamShape, stderr: streamShape }),
  /** null: nobody measured it */
  usage: usageShape.nullable(),
});

/** List of attempts, raw output of one. */
export const rawLogRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/tasks/:id/attempts',
    access: readers,
    summary:
      'Lists the attempts of a task, oldest first, with how they ended, what they used and what is here of their output.',
    tag: 'attempts',
    params: z.object({ id: z.string() }),
    answers: { 200: z.array(attemptShape) },
    handle: async ({ params: { id }, caller }, parts) => ({
      status: 200,
      body: (await listAttempts(parts, caller, id)).map(toAttemptWire),
    }),
  }),
  route({
    method: 'GET',
    path: `${attemptPath}/log`,
    access: readers,
    summary:
      'Gives the raw output of one attempt: of one stream, or of both in order of arrival; with Range a part of it.',
    tag: 'attempts',
    params: attemptParams,
    query: z.object({
      stream: z.enum(streamNames).optional(),
      from: z.coerce.number().int().nonnegative().optional(),
    }),
    answers: { 200: null },
    handle: (request, parts) => {
      const { id: taskId, n: attempt } = request.params;
      return rawAnswer(request, parts, { taskId, attempt, ...request.query });
    },
  }),
];

function toAttemptWire(attempt: Attempt): z.input<typeof attemptShape> {
  const { number, state, reason, agentId, exitCode, signal, endReason, streams, usage } = attempt;
  return {
    ...{ number, state, reason, agentId, exitCode, signal, endReason, streams },
    usage: usage === null ? null : { ...usage },
    createdAt: toInstant(attempt.createdAt),
    startedAt: attempt.startedAt === null ? null : toInstant(attempt.startedAt),
    finishedAt: attempt.finishedAt === null ? null : toInstant(attempt.finishedAt),
    declared: attempt.declared?.status ?? null,
  };
}
