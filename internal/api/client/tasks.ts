import { z } from 'zod';
import type { Random } from '../../../pkg/random/random.ts';
import { NotFoundError } from '../../domain/errors.ts';
import { apiPath } from '../base-url.ts';
import type { NewTaskBody, StatusBody } from '../requests.ts';
import { type InputRequestWire, inputRequestShape, type TaskWire } from '../shapes.ts';
import { listOf, tolerantTask } from '../tolerant.ts';
import { type TaskOccurrenceWire, taskOccurrenceShape } from '../workflow-shapes.ts';
import { readScript, type Script } from './script.ts';
import { type CallOptions, parseJson, type Transport } from './transport.ts';

/** Calls about tasks. Those with an id throw NotFoundError KERUTA_ERR_TASK_NOT_FOUND. */
export interface TaskCalls {
  /** @param options.idempotencyKey the same key again gives the same task and makes no second one; default: a new one */
  create(body: NewTaskBody, options?: CallOptions & { readonly idempotencyKey?: string }): Promise<TaskWire>;
  /** All tasks, in the server's order; for those of one session see `sessions.tasks`. A plain server knows no limit. */
  list(options?: CallOptions & { readonly status?: string; readonly limit?: number }): Promise<TaskWire[]>;
  get(id: string, options?: CallOptions): Promise<TaskWire>;
  delete(id: string, options?: CallOptions): Promise<void>;
  /** Asks for the task to be cancelled; a task that runs ends a little later. */
  cancel(id: string, options?: CallOptions): Promise<TaskWire>;
  /** Makes a new attempt of a task that has ended. @throws {ConflictError} KERUTA_ERR_TRANSITION */
  retry(id: string, options?: CallOptions): Promise<TaskWire>;
  /** Answers a question. @throws {ConflictError} KERUTA_ERR_NOT_WAITING */
  input(
    id: string,
    answer: { readonly input: string; readonly promptId?: string },
    options?: CallOptions,
  ): Promise<void>;
  /** The questions of a task, oldest first. */
  inputRequests(id: string, options?: CallOptions): Promise<InputRequestWire[]>;
  /** Asks a question in the plain protocol. */
  requestInput(id: string, prompt: string, options?: CallOptions): Promise<void>;
  /** Fetches an answer in the plain protocol, once; null = not yet. */
  pollInput(id: string, options?: CallOptions): Promise<string | null>;
  /** What to run, in any of the shapes that servers give it. */
  script(id: string, options?: CallOptions): Promise<Script>;
  /** What fired a task; null when no trigger did. */
  event(id: string, options?: CallOptions): Promise<Readonly<Record<string, unknown>> | null>;
  /** Why the task was made; null when no trigger made it, or the server cannot tell. */
  occurrence(id: string, options?: CallOptions): Promise<TaskOccurrenceWire | null>;
  /** Sets status, message, progress and error code in one. @returns the task; null when the server does not show it */
  setStatus(id: string, body: StatusBody, options?: CallOptions): Promise<TaskWire | null>;
  /** Asks for a fix task of a failed one. @returns its id; null when none was made, or the server does not say */
  autoFix(
    id: string,
    failure: { readonly errorMessage: string; readonly errorCode: string },
    options?: CallOptions,
  ): Promise<string | null>;
}

const taskList = listOf(tolerantTask);
const notFound = 'KERUTA_ERR_TASK_NOT_FOUND';
const inputAnswer = z.object({ input: z.string() });
const eventAnswer = z.record(z.string(), z.unknown());
const fixAnswer = z.object({ id: z.string(), created: z.literal(true).optional() });

/** @see TaskCalls */
export function taskCalls(transport: Transport, random: Random): TaskCalls {
  const post = (id: string, verb: string, json?: unknown) =>
    ({
      method: 'POST',
      path: apiPath('tasks', id, verb),
      ...(json === undefined ? {} : { json }),
      notFound,
    }) as const;
  const ofTask = (id: string, ...rest: string[]) =>
    ({ method: 'GET', path: apiPath('tasks', id, ...rest), notFound }) as const;

  return {
    create: (body, { idempotencyKey = random.uuid4(), ...options } = {}) =>
      transport.json(
        {
          method: 'POST',
          path: apiPath('tasks'),
          json: body,
          headers: { 'idempotency-key': idempotencyKey },
          notFound: 'KERUTA_ERR_SESSION_NOT_FOUND',
          conflict: 'KERUTA_ERR_SESSION_CLOSED',
          ...options,
        },
        tolerantTask,
      ),
    list: ({ status, limit, ...options } = {}) => {
      const query = { status, limit: limit === undefined ? undefined : String(limit) };
      return transport.json({ method: 'GET', path: apiPath('tasks'), query, ...options }, taskList);
    },
    get: (id, options) => transport.json({ ...ofTask(id), ...options }, tolerantTask),
    delete: async (id, options) => {
      await transport.done({ method: 'DELETE', path: apiPath('tasks', id), notFound, ...options });
    },
    cancel: (id, options) => transport.json({ ...post(id, 'cancel'), ...options }, tolerantTask),
    retry: (id, options) => transport.json({ ...post(id, 'retry'), ...options }, tolerantTask),
    input: async (id, answer, options) => {
      await transport.done({
        ...post(id, 'input', answer),
        conflict: 'KERUTA_ERR_NOT_WAITING',
        ...options,
      });
    },
    inputRequests: (id, options) =>
      transport.json({ ...ofTask(id, 'input-requests'), ...options }, z.array(inputRequestShape)),
    requestInput: async (id, prompt, options) => {
      await transport.done({ ...post(id, 'input-request', { prompt }), ...options });
    },
    pollInput: async (id, options) => {
      const answer = await transport.done({ ...ofTask(id, 'input'), ...options });
      const parsed = answer.status === 200 ? inputAnswer.safeParse(parseJson(answer.body)) : null;
      return parsed?.success ? parsed.data.input : null;
    },
    script: (id, options) => transport.json({ ...ofTask(id, 'script'), ...options }, readScript),
    event: async (id, options) => {
      try {
        return await transport.json({ ...ofTask(id, 'event'), ...options }, eventAnswer);
      } catch (error) {
        if (error instanceof NotFoundError && error.code === 'KERUTA_ERR_EVENT_NOT_FOUND') return null;
        throw error;
      }
    },
    occurrence: async (id, options) => {
      try {
        return await transport.json({ ...ofTask(id, 'occurrence'), ...options }, taskOccurrenceShape);
      } catch (error) {
        if (error instanceof NotFoundError) return null;
        throw error;
      }
    },
    setStatus: async (id, body, options) => {
      const answer = await transport.done({
        method: 'PUT',
        path: apiPath('tasks', id, 'status'),
        json: body,
        notFound,
        conflict: 'KERUTA_ERR_TASK_ENDED',
        ...options,
      });
      return tolerantTask.safeParse(parseJson(answer.body)).data ?? null;
    },
    autoFix: async (id, failure, options) => {
      const answer = await transport.done({ ...post(id, 'auto-fix', failure), ...options });
      return fixAnswer.safeParse(parseJson(answer.body)).data?.id ?? null;
    },
  };
}
