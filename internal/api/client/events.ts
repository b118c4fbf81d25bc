import { readSse, type SseEvent, SseTooLargeError } from '../../../pkg/http/sse.ts';
import type { CodeOf } from '../../domain/error-table.ts';
import { NotFoundError, UnavailableError } from '../../domain/errors.ts';
import { apiPath } from '../base-url.ts';
import { isRetryable, retryDelayMs } from '../retryable.ts';
import { type CallOptions, parseJson, type Transport, type TransportParts } from './transport.ts';

/** Something that happened, as a live reader sees it. */
export interface ApiEvent {
  /** to go on from here: `lastEventId`; `''` when the event has none */
  readonly id: string;
  /** `status`, `progress`, `output`, … */
  readonly type: string;
  /** parsed JSON; the text itself when it is none */
  readonly data: unknown;
}

/** Options of the two calls. */
export interface EventOptions extends CallOptions {
  /** false: without the output of runs; default true */
  readonly output?: boolean;
  /** false: all output, however far behind this reader is; default true */
  readonly elide?: boolean;
  /** begins behind this event; default: as the server begins */
  readonly lastEventId?: string;
  /** told when the connection was lost and another one is made */
  readonly onReconnect?: (error: unknown) => void;
}

/**
 * Live events. The first connection throws what is wrong; from then on lost connections are made again, behind the last
 * event, until the loop is left or the signal aborts. Silence of 45 s counts as lost. A connection begins with an event
 * `snapshot`; one to a task is over behind its event `end`.
 */
export interface EventCalls {
  ofSession(sessionId: string, options?: EventOptions): AsyncIterable<ApiEvent>;
  ofTask(taskId: string, options?: EventOptions): AsyncIterable<ApiEvent>;
}

/** Servers send a comment every 15 s; three of them missed means that the connection is dead. */
const silenceMs = 45_000;

/** @see EventCalls */
export function eventCalls(transport: Transport, parts: TransportParts): EventCalls {
  return {
    ofSession: (id, options = {}) =>
      follow(
        transport,
        parts,
        { path: apiPath('sessions', id, 'events'), notFound: 'KERUTA_ERR_SESSION_NOT_FOUND', endsWith: null },
        options,
      ),
    ofTask: (id, options = {}) =>
      follow(
        transport,
        parts,
        { path: apiPath('tasks', id, 'events'), notFound: 'KERUTA_ERR_TASK_NOT_FOUND', endsWith: 'end' },
        options,
      ),
  };
}

async function* follow(
  transport: Transport,
  parts: TransportParts,
  call: { path: string; notFound: CodeOf<'not-found'>; endsWith: string | null },
  options: EventOptions,
): AsyncGenerator<ApiEvent> {
  const { signal } = options;
  let lastId = options.lastEventId ?? '';
  let connected = false;
  for (let failures = 0; ; ) {
    let failure: unknown = new UnavailableError('KERUTA_ERR_API_UNAVAILABLE', 'The event stream ended.');
    try {
      const stream = await transport.stream({
        method: 'GET',
        path: call.path,
        notFound: call.notFound,
        query: { output: options.output, elide: options.elide },
        headers: { accept: 'text/event-stream', ...(lastId === '' ? {} : { 'last-event-id': lastId }) },
        stallMs: silenceMs,
        ...(signal ? { signal } : {}),
      });
      requireEventStream(stream.headers, parts.baseUrl + call.path);
      connected = true;
      for await (const event of readSse(stream.bytes)) {
        failures = 0;
        lastId = event.id;
        yield apiEventOf(event);
        if (call.endsWith !== null && event.event === call.endsWith) return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!connected || !(isRetryable(error) || error instanceof SseTooLargeError)) throw error;
      failure = error;
    }
    options.onReconnect?.(failure);
    failures += 1;
    const policy = { ...parts, retries: null, firstDelayMs: 250, maxDelayMs: 15_000 };
    await parts.clock.sleep(retryDelayMs(policy, failures, failure), signal);
  }
}

function requireEventStream(headers: Readonly<Record<string, string>>, url: string): void {
  const type = headers['content-type'] ?? '';
  if (type.startsWith('text/event-stream')) return;
  if (type === '') throw new NotFoundError('KERUTA_ERR_NOT_FOUND', `${url} gave no event stream.`);
  throw new UnavailableError(
    'KERUTA_ERR_API_ANSWER',
    `${url} answered with ${type} instead of text/event-stream. Check that KERUTA_API_URL is the address of the API.`,
  );
}

function apiEventOf({ id, event, data }: SseEvent): ApiEvent {
  const parsed = parseJson(data);
  return { id, type: event, data: parsed === undefined ? data : parsed };
}
