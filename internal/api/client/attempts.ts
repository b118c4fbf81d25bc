import { z } from 'zod';
import type { StreamName } from '../../domain/task.ts';
import { apiPath } from '../base-url.ts';
import {
  type CheckoutAnswer,
  type ClaimRequest,
  type ControlMessage,
  checkoutAnswer,
  type ExitedRequest,
  type FinishAnswer,
  type FinishRequest,
  finishAnswer,
  messagesAnswer,
  type RenewAnswer,
  type RenewRequest,
  renewAnswer,
} from '../protocol.ts';
import { type ClaimAnswer, claimAnswer, usageShape } from '../shapes.ts';
import { offsetOf } from './artifacts.ts';
import { type CallOptions, maxWordBytes, type Transport } from './transport.ts';

/** Names one attempt. */
export interface AttemptName {
  readonly taskId: string;
  readonly attempt: number;
}

/** Longest acknowledgement of what a run says: one comes for each piece of output; bytes. */
const maxBytes = 1024 ** 2;

const count = z.number().int().nonnegative();
const streamEnd = z.object({ size: count, crc32: count, lostBytes: count.catch(0) });
const attemptShape = z.object({
  number: z.number().int().positive(),
  /** `claimed`, `exited`, `finished`, `lost`, `superseded` */
  state: z.string().catch(''),
  agentId: z.string().catch(''),
  streams: z.object({ stdout: streamEnd, stderr: streamEnd }),
  startedAt: z.string().nullish(),
  finishedAt: z.string().nullish(),
  exitCode: z.number().nullish(),
  signal: z.string().nullish(),
  /** why it ended, when that was not its own doing */
  endReason: z.string().nullish(),
  /** null: nobody measured it; an older server does not say */
  usage: usageShape.nullish().catch(null),
});

/** One attempt, and what is on the server of its output. */
export type AttemptWire = z.infer<typeof attemptShape>;

/**
 * Calls of an agent about its attempts. Writes of an attempt that was replaced throw ConflictError
 * KERUTA_ERR_ATTEMPT_SUPERSEDED; every call may be repeated.
 */
export interface AttemptCalls {
  /** The attempts of a task, oldest first; NotFoundError KERUTA_ERR_TASK_NOT_FOUND. */
  list(taskId: string, options?: CallOptions): Promise<AttemptWire[]>;
  /** All bytes of one stream as the server has them now, as they come. */
  output(name: AttemptName, stream: StreamName, options?: CallOptions): Promise<AsyncIterable<Uint8Array>>;
  claim(sessionId: string, request: ClaimRequest, options?: CallOptions): Promise<ClaimAnswer>;
  renew(name: AttemptName, request: RenewRequest, options?: CallOptions): Promise<RenewAnswer>;
  /** What to check out when the server knows better than the session; null when it does not. */
  checkout(name: AttemptName, agentId: string, options?: CallOptions): Promise<CheckoutAnswer['checkout']>;
  /** @returns the highest number that is applied */
  messages(name: AttemptName, messages: readonly ControlMessage[], options?: CallOptions): Promise<number>;
  /** @returns the offset at which the next bytes go */
  headStream(name: AttemptName, stream: StreamName, options?: CallOptions): Promise<number>;
  /**
   * @returns the offset at which the next bytes go
   * @throws {ConflictError} KERUTA_ERR_OFFSET_MISMATCH with `details.offset`
   */
  patchStream(
    name: AttemptName,
    chunk: { readonly stream: StreamName; readonly offset: number; readonly bytes: Uint8Array },
    options?: CallOptions,
  ): Promise<number>;
  /** Declares `bytes` bytes at `offset` lost. Returns and throws as `patchStream` */
  declareLost(
    name: AttemptName,
    gap: { readonly stream: StreamName; readonly offset: number; readonly bytes: number },
    options?: CallOptions,
  ): Promise<number>;
  exited(name: AttemptName, request: ExitedRequest, options?: CallOptions): Promise<void>;
  /** @throws {ConflictError} KERUTA_ERR_ATTEMPT_UNFINISHED */
  finish(name: AttemptName, request: FinishRequest, options?: CallOptions): Promise<FinishAnswer>;
}

/** @see AttemptCalls */
export function attemptCalls(transport: Transport): AttemptCalls {
  const at = (name: AttemptName, ...rest: string[]) =>
    ({
      path: apiPath('tasks', name.taskId, 'attempts', name.attempt, ...rest),
      notFound: 'KERUTA_ERR_ATTEMPT_NOT_FOUND',
      conflict: 'KERUTA_ERR_ATTEMPT_SUPERSEDED',
      maxBytes,
    }) as const;
  const patch = async (
    name: AttemptName,
    piece: { stream: StreamName; offset: number; headers?: Record<string, string>; bytes: Uint8Array },
    options?: CallOptions,
  ) => {
    const answer = await transport.done({
      ...at(name, 'streams', piece.stream),
      method: 'PATCH',
      headers: {
        'content-type': 'application/octet-stream',
        'upload-offset': String(piece.offset),
        ...piece.headers,
      },
      body: () => piece.bytes,
      uncapped: true,
      ...options,
    });
    return offsetOf(answer.headers);
  };

  return {
    list: (taskId, options) =>
      transport.json(
        {
          method: 'GET',
          path: apiPath('tasks', taskId, 'attempts'),
          notFound: 'KERUTA_ERR_TASK_NOT_FOUND',
          ...options,
        },
        z.array(attemptShape),
      ),
    output: async (name, stream, options) => {
      const call = { ...at(name, 'log'), method: 'GET', query: { stream }, ...options } as const;
      return (await transport.stream({ ...call, headers: { accept: 'text/plain' } })).bytes;
    },
    claim: (sessionId, json, options) =>
      transport.json(
        {
          method: 'POST',
          path: apiPath('sessions', sessionId, 'claim'),
          json,
          waitMs: json.waitMs ?? 0,
          notFound: 'KERUTA_ERR_SESSION_NOT_FOUND',
          ...options,
        },
        claimAnswer,
      ),
    renew: (name, json, options) =>
      transport.json(
        {
          ...at(name, 'renew'),
          method: 'POST',
          json,
          waitMs: json.waitMs ?? 0,
          maxBytes: maxWordBytes,
          ...options,
        },
        renewAnswer,
      ),
    checkout: async (name, agentId, options) => {
      const call = { ...at(name, 'checkout'), method: 'POST', json: { agentId }, ...options } as const;
      return (await transport.json(call, checkoutAnswer)).checkout;
    },
    messages: async (name, messages, options) => {
      const call = { ...at(name, 'messages'), method: 'POST', json: { messages }, ...options } as const;
      return (await transport.json(call, messagesAnswer)).controlSeq;
    },
    headStream: async (name, stream, options) => {
      const answer = await transport.done({ ...at(name, 'streams', stream), method: 'HEAD', ...options });
      return offsetOf(answer.headers);
    },
    patchStream: (name, { stream, offset, bytes }, options) =>
      patch(name, { stream, offset, bytes }, options),
    declareLost: (name, { stream, offset, bytes }, options) =>
      patch(
        name,
        { stream, offset, headers: { 'lost-bytes': String(bytes) }, bytes: new Uint8Array(0) },
        options,
      ),
    exited: async (name, json, options) => {
      await transport.done({ ...at(name, 'exited'), method: 'POST', json, ...options });
    },
    finish: (name, json, options) =>
      transport.json({ ...at(name, 'finish'), method: 'POST', json, ...options }, finishAnswer),
  };
}
