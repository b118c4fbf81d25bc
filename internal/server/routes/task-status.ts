/** What plain clients say about the tasks that they run. */
import { z } from 'zod';
import { longText } from '../../api/limited.ts';
import { statusBody } from '../../api/requests.ts';
import { taskShape } from '../../api/shapes.ts';
import { visibleTask } from '../../session/authorize.ts';
import { setStatus } from '../../session/set-status.ts';
import { toTaskWire } from '../../session/wire.ts';
import { type Route, route, speakers } from '../route.ts';
import { idPath } from './path.ts';

const common = { access: speakers, tag: 'tasks', params: idPath, answers: { 200: taskShape } } as const;

/** Routes of `/api/v1/tasks/{id}/status` and its older name. */
export const taskStatusRoutes: readonly Route[] = [
  ...(['PUT', 'PATCH'] as const).map((method) =>
    route({
      ...common,
      method,
      path: '/api/v1/tasks/:id/status',
      masked: true,
      summary: 'Sets status, progress, message and error code of a task; a status may be in any dialect.',
      body: statusBody,
      handle: async ({ params, body, caller }, parts) => ({
        status: 200,
        body: toTaskWire(await setStatus(parts, { caller, taskId: params.id }, body)),
      }),
    }),
  ),
  route({
    ...common,
    method: 'PATCH',
    path: '/api/v1/tasks/:id/progress',
    masked: true,
    summary: 'Sets progress and message of a task that runs, or that begins to run by this.',
    body: z.object({ progress: z.number().int().min(0).max(100), message: longText.nullish() }),
    handle: async ({ params, body, caller }, parts) => {
      const task = await visibleTask(parts.store, caller, params.id);
      const status = task.status === 'WAITING_FOR_INPUT' ? task.status : 'PROCESSING';
      const said = { status, ...body };
      return { status: 200, body: toTaskWire(await setStatus(parts, { caller, taskId: params.id }, said)) };
    },
  }),
];
