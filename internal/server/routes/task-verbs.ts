/** What people do to tasks. */
import { z } from 'zod';
import { taskShape } from '../../api/shapes.ts';
import { cancelTask } from '../../session/cancel.ts';
import { retryTask } from '../../session/retry.ts';
import { toTaskWire } from '../../session/wire.ts';
import { operators, type Route, route } from '../route.ts';

const params = z.object({ id: z.string() });

/** Cancel and retry. */
export const taskVerbRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/tasks/:id/cancel',
    access: operators,
    summary: 'Cancels a task: at once when nobody runs it, else its agent is told to end the run.',
    tag: 'tasks',
    params,
    answers: { 200: taskShape },
    handle: async ({ params: { id: taskId }, caller }, parts) => ({
      status: 200,
      body: toTaskWire(await cancelTask(parts, { caller, taskId })),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/tasks/:id/retry',
    access: operators,
    summary: 'Puts a task that is FAILED, CANCELLED or LOST back into the queue, for a new attempt.',
    tag: 'tasks',
    params,
    answers: { 200: taskShape },
    handle: async ({ params: { id: taskId }, caller }, parts) => ({
      status: 200,
      body: toTaskWire(await retryTask(parts, { caller, taskId })),
    }),
  }),
];
