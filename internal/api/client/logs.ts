import { apiPath } from '../base-url.ts';
import type { LogBody } from '../requests.ts';
import type { LogWire } from '../shapes.ts';
import { listOf, tolerantLog } from '../tolerant.ts';
import type { CallOptions, Transport } from './transport.ts';

/** Calls about the logs of tasks. They throw NotFoundError KERUTA_ERR_TASK_NOT_FOUND. */
export interface LogCalls {
  post(taskId: string, line: LogBody, options?: CallOptions): Promise<void>;
  /** Sends several lines, kept in this order; servers of the plain protocol do not have it. */
  postBatch(taskId: string, lines: readonly LogBody[], options?: CallOptions): Promise<void>;
  /** Structured lines, newest first. @param filter.level one level, or all */
  list(taskId: string, filter?: { readonly level?: string }, options?: CallOptions): Promise<LogWire[]>;
  /** The complete raw output, in order, as it comes. @param which.stream one of the two, or both */
  rawText(
    taskId: string,
    which?: { readonly stream?: 'stdout' | 'stderr' },
    options?: CallOptions,
  ): Promise<AsyncIterable<Uint8Array>>;
  /** The same as a view: of what is long only head and tail; `elidedBytes` tells how much is left out. */
  viewText(
    taskId: string,
    which?: { readonly stream?: 'stdout' | 'stderr' },
    options?: CallOptions,
  ): Promise<{ readonly bytes: AsyncIterable<Uint8Array>; readonly elidedBytes: number }>;
}

const logList = listOf(tolerantLog);
const notFound = 'KERUTA_ERR_TASK_NOT_FOUND';

/** @see LogCalls */
export function logCalls(transport: Transport): LogCalls {
  const send = async (path: string, json: unknown, options: CallOptions | undefined) => {
    await transport.done({ method: 'POST', path, json, notFound, ...options });
  };
  const openText = (
    taskId: string,
    query: { readonly stream?: 'stdout' | 'stderr'; readonly elide?: boolean },
    options: CallOptions | undefined,
  ) =>
    transport.stream({
      method: 'GET',
      path: apiPath('tasks', taskId, 'logs'),
      query: { format: 'text', ...query },
      headers: { accept: 'text/plain' },
      notFound,
      ...options,
    });
  return {
    post: (taskId, line, options) => send(apiPath('tasks', taskId, 'logs'), line, options),
    postBatch: (taskId, logs, options) => send(apiPath('tasks', taskId, 'logs', 'batch'), { logs }, options),
    list: (taskId, filter, options) =>
      transport.json(
        {
          method: 'GET',
          path: apiPath('tasks', taskId, 'logs'),
          query: { level: filter?.level },
          notFound,
          ...options,
        },
        logList,
      ),
    rawText: async (taskId, which, options) => (await openText(taskId, { ...which }, options)).bytes,
    viewText: async (taskId, which, options) => {
      const { headers, bytes } = await openText(taskId, { ...which, elide: true }, options);
      return { bytes, elidedBytes: Number(headers['elided-bytes'] ?? 0) };
    },
  };
}
