import { taskEventShape } from '../../api/workflow-shapes.ts';
import { visibleTask } from '../../session/authorize.ts';
import { eventOfTask } from '../../session/event-of-task.ts';
import { type Route, readers, route } from '../route.ts';
import { idPath } from './path.ts';

/** What fired a task. */
export const taskEventRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/tasks/:id/event',
    access: readers,
    summary: 'Gives what fired a task: its trigger, its nominal time, and the data of the event.',
    tag: 'tasks',
    params: idPath,
    answers: { 200: taskEventShape },
    handle: async ({ params, caller }, { store }) => ({
      status: 200,
      body: await eventOfTask(store, await visibleTask(store, caller, params.id)),
    }),
  }),
];
