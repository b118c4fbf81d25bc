import { taskEventShape, taskOccurrenceShape } from '../../api/workflow-shapes.ts';
import { visibleTask } from '../../session/authorize.ts';
import { eventOfTask, occurrenceOf } from '../../session/event-of-task.ts';
import { toOccurrenceWire } from '../../session/workflow-wire.ts';
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
  route({
    method: 'GET',
    path: '/api/v1/tasks/:id/occurrence',
    access: readers,
    summary:
      'Gives why a task was made: the time that it is of, the decision, and every check with its numbers.',
    tag: 'tasks',
    params: idPath,
    answers: { 200: taskOccurrenceShape },
    handle: async ({ params, caller }, { store }) => {
      const occurrence = await occurrenceOf(store, await visibleTask(store, caller, params.id));
      const workflow = (await store.workflow(occurrence.workflowId))?.name ?? '';
      const trigger = (await store.trigger(occurrence.triggerId))?.name ?? '';
      return { status: 200, body: { ...toOccurrenceWire(occurrence, workflow), trigger } };
    },
  }),
];
