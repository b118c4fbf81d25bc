/** Questions of tasks, and what people answer. */
import { z } from 'zod';
import { longText } from '../../api/limited.ts';
import { inputBody } from '../../api/requests.ts';
import { inputRequestShape } from '../../api/shapes.ts';
import { answerInput, listInputRequests, requestInput, takeInput } from '../../session/input.ts';
import { toInputRequestWire } from '../../session/wire.ts';
import { operators, type Route, readers, route, speakers } from '../route.ts';

const path = '/api/v1/tasks/:id';
const params = z.object({ id: z.string() });

/** Asking, answering, and taking the answer. */
export const inputRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: `${path}/input-request`,
    masked: true,
    access: speakers,
    summary: 'Puts a question; the task is WAITING_FOR_INPUT until it is answered.',
    tag: 'inputs',
    params,
    body: z.object({ prompt: longText.default('') }),
    answers: { 200: inputRequestShape },
    handle: async ({ params: { id: taskId }, body, caller }, parts) => ({
      status: 200,
      body: toInputRequestWire(await requestInput(parts, { caller, taskId, prompt: body.prompt })),
    }),
  }),
  route({
    method: 'GET',
    path: `${path}/input`,
    access: speakers,
    summary: 'Takes the answer to a question, once; 204 while there is none.',
    tag: 'inputs',
    params,
    answers: { 200: z.object({ input: z.string() }), 204: null },
    handle: async ({ params: { id: taskId }, caller }, parts) => {
      const input = await takeInput(parts, { caller, taskId });
      return input === null ? { status: 204 } : { status: 200, body: { input } };
    },
  }),
  route({
    method: 'POST',
    path: `${path}/input`,
    access: operators,
    summary: 'Answers a question of a task: the one named by promptId, else the oldest open one.',
    tag: 'inputs',
    params,
    body: inputBody,
    answers: { 200: inputRequestShape },
    handle: async ({ params: { id: taskId }, body, caller }, parts) => {
      const { input, promptId = null } = body;
      return {
        status: 200,
        body: toInputRequestWire(await answerInput(parts, { caller, taskId, input, promptId })),
      };
    },
  }),
  route({
    method: 'GET',
    path: `${path}/input-requests`,
    access: readers,
    summary: 'Lists the questions of a task, oldest first; answers are never among them.',
    tag: 'inputs',
    params,
    answers: { 200: z.array(inputRequestShape) },
    handle: async ({ params: { id: taskId }, caller }, parts) => ({
      status: 200,
      body: (await listInputRequests(parts, { caller, taskId })).map(toInputRequestWire),
    }),
  }),
];
