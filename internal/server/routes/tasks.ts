/** Tasks: submitting, reading, changing, removing. */
import { z } from 'zod';
import { longText } from '../../api/limited.ts';
import { newTaskBody } from '../../api/requests.ts';
import { taskShape } from '../../api/shapes.ts';
import { InputError } from '../../domain/errors.ts';
import { type RetryRule, retryDefaults } from '../../domain/retry.ts';
import type { NewTask } from '../../domain/task.ts';
import { visibleTask } from '../../session/authorize.ts';
import { deleteTask, editTask } from '../../session/edit-task.ts';
import { listSubtasks } from '../../session/list-tasks.ts';
import type { Caller, SessionParts } from '../../session/parts.ts';
import { submitTask } from '../../session/submit.ts';
import { toTaskWire } from '../../session/wire.ts';
import { readIdempotencyKey } from '../idempotency-key.ts';
import { operators, type Route, type RouteAnswer, readers, route } from '../route.ts';
import { idPath } from './path.ts';

const tag = 'tasks';
const one = { 200: taskShape };
/** A script of 1 MiB may take up to six times its size as JSON. */
const maxBodyBytes = 8 * 1024 * 1024;

/** Routes of `/api/v1/tasks`. */
export const taskRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/tasks',
    access: operators,
    summary: 'Submits a task; with an Idempotency-Key header the same key gives the same task.',
    tag,
    body: newTaskBody,
    maxBodyBytes,
    answers: { 201: taskShape, 200: taskShape },
    handle: async ({ body, caller, headers }, parts) => {
      const sessionId = required(body.sessionId || body.session, 'sessionId');
      return submit(parts, caller, { newTask: toNewTask(body, sessionId), headers });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/tasks/:id',
    access: readers,
    summary: 'Gives one task.',
    tag,
    params: idPath,
    answers: one,
    handle: async ({ params, caller }, parts) => ({
      status: 200,
      body: toTaskWire(await visibleTask(parts.store, caller, params.id)),
    }),
  }),
  route({
    method: 'PUT',
    path: '/api/v1/tasks/:id',
    access: operators,
    summary: 'Changes name, description or script of a task; what is left out stays.',
    tag,
    params: idPath,
    body: z.object({
      name: z.string().trim().min(1).max(1000).nullish(),
      description: longText.nullish(),
      script: z.string().nullish(),
    }),
    maxBodyBytes,
    answers: one,
    handle: async ({ params, body, caller }, parts) => {
      const { name, description, script } = body;
      const edit = {
        name: name ?? undefined,
        description: description ?? undefined,
        script: script ?? undefined,
      };
      return { status: 200, body: toTaskWire(await editTask(parts, { caller, taskId: params.id }, edit)) };
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/tasks/:id',
    access: operators,
    summary: 'Removes a task, its logs and artifacts; also when it is gone already.',
    tag,
    params: idPath,
    answers: { 204: null },
    handle: async ({ params, caller }, parts) => {
      await deleteTask(parts, { caller, taskId: params.id });
      return { status: 204 };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/tasks/:id/subtasks',
    access: readers,
    summary: 'Lists the subtasks of a task.',
    tag,
    params: idPath,
    answers: { 200: z.array(taskShape) },
    handle: async ({ params, caller }, parts) => ({
      status: 200,
      body: (await listSubtasks(parts, caller, params.id)).map(toTaskWire),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/tasks/:id/subtasks',
    access: operators,
    summary:
      'Submits a subtask, in the session of its parent; with an Idempotency-Key header the same key gives the same task.',
    tag,
    params: idPath,
    body: newTaskBody,
    maxBodyBytes,
    answers: { 201: taskShape, 200: taskShape },
    handle: async ({ params, body, caller, headers }, parts) => {
      const parent = await visibleTask(parts.store, caller, params.id);
      const newTask = { ...toNewTask(body, parent.sessionId), parentTaskId: parent.id };
      return submit(parts, caller, { newTask, headers });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/tasks/test/:sessionId',
    access: operators,
    summary:
      'Submits a small task that shows that the session works; with an Idempotency-Key header the same key gives the same task.',
    tag,
    params: z.object({ sessionId: z.string() }),
    answers: { 201: taskShape, 200: taskShape },
    handle: async ({ params, caller, headers }, parts) => {
      const newTask = { sessionId: params.sessionId, name: 'test', script: 'echo "this is a test"\n' };
      return submit(parts, caller, { newTask, headers });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/tasks/:id/script',
    access: readers,
    summary: 'Gives what a task runs.',
    tag,
    params: idPath,
    answers: {
      200: z.object({
        success: z.literal(true),
        taskId: z.string(),
        script: z.object({
          content: z.string(),
          language: z.string(),
          filename: z.string(),
          parameters: z.record(z.string(), z.unknown()),
        }),
      }),
    },
    handle: async ({ params, caller }, parts) => {
      const { id: taskId, script: content, parameters } = await visibleTask(parts.store, caller, params.id);
      const script = { content, language: 'bash', filename: 'task.sh', parameters };
      return { status: 200, body: { success: true, taskId, script } };
    },
  }),
];

async function submit(
  parts: SessionParts,
  caller: Caller,
  wish: { readonly newTask: NewTask; readonly headers: Readonly<Record<string, string | undefined>> },
): Promise<RouteAnswer> {
  const key = readIdempotencyKey(wish.headers);
  const options = key === undefined ? {} : { idempotencyKey: key };
  const { task, created } = await submitTask(parts, caller, wish.newTask, options);
  return { status: created ? 201 : 200, body: toTaskWire(task) };
}

function toNewTask(body: z.output<typeof newTaskBody>, sessionId: string): NewTask {
  return {
    sessionId,
    name: required((body.name || body.title || body.context?.title)?.trim(), 'name'),
    script: body.script ?? '',
    description: body.description ?? '',
    parentTaskId: body.parentTaskId ?? null,
    priority: body.priority ?? 0,
    parameters: body.parameters ?? {},
    ref: body.ref ?? null,
    timeoutMs: toMs(body.timeoutSeconds),
    noOutputTimeoutMs: toMs(body.noOutputTimeoutSeconds),
    retryCount: body.retryCount ?? 0,
    ...(body.retry ? { retry: toRule(body.retry) } : {}),
    ...(body.concurrency ? { concurrency: body.concurrency } : {}),
    ...(body.needs ? { needs: body.needs } : {}),
    ...(body.kind ? { kind: body.kind } : {}),
    ...(body.context ? { context: body.context } : {}),
    autoFix: body.autoFix ?? null,
    ...(body.input ? { input: body.input } : {}),
    ...(body.inputTimeoutSeconds ? { inputTimeoutMs: body.inputTimeoutSeconds * 1000 } : {}),
  };
}

function toRule(retry: NonNullable<z.output<typeof newTaskBody>['retry']>): RetryRule {
  const { delayMs, maxDelayMs, ...defaults } = retryDefaults;
  return {
    backoff: retry.backoff ?? defaults.backoff,
    delayMs: secondsToMs(retry.delaySeconds) ?? delayMs,
    maxDelayMs: secondsToMs(retry.maxDelaySeconds) ?? maxDelayMs,
    exitCodes: retry.exitCodes ?? null,
    neverOn: retry.neverOn ?? [],
    lostRetries: retry.lostRetries ?? defaults.lostRetries,
    deadlineMs: toMs(retry.deadlineSeconds),
  };
}

const secondsToMs = (seconds: number | null | undefined) =>
  typeof seconds === 'number' ? Math.round(seconds * 1000) : null;

function toMs(seconds: number | null | undefined): number | null {
  return seconds ? Math.max(1, Math.round(seconds * 1000)) : null;
}

function required(value: string | undefined, field: string): string {
  if (value) return value;
  throw new InputError('KERUTA_ERR_BAD_BODY', `${field}: expected a text that is not empty, got nothing.`);
}
