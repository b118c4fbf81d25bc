/**
 * The wire between agent and server beyond the plain protocol: claims, leases, control messages, byte streams, reports.
 * Shapes only; what they mean is in `session`. All paths under /api/v1, bodies JSON unless stated. Durations in ms,
 * instants as RFC 3339 strings (`z.iso.datetime`) on the wire.
 *
 *   POST  /sessions/{id}/claim                                ClaimRequest → ClaimAnswer (long poll)
 *   POST  /tasks/{id}/attempts/{n}/renew                      RenewRequest → RenewAnswer (long poll)
 *   POST  /tasks/{id}/attempts/{n}/checkout                   CheckoutRequest → CheckoutAnswer
 *   POST  /tasks/{id}/attempts/{n}/messages                   MessagesRequest → MessagesAnswer
 *   HEAD  /tasks/{id}/attempts/{n}/streams/{stdout|stderr}    → 200 with Upload-Offset
 *   PATCH /tasks/{id}/attempts/{n}/streams/{stdout|stderr}    Upload-Offset, application/octet-stream → 204 with
 *                                                             Upload-Offset; 409 KERUTA_ERR_OFFSET_MISMATCH with it too.
 *                                                             `Lost-Bytes: n`: n bytes at this offset are declared lost
 *   POST  /tasks/{id}/attempts/{n}/exited                     ExitedRequest → 200 {}
 *   POST  /tasks/{id}/attempts/{n}/finish                     FinishRequest → FinishAnswer; 409 KERUTA_ERR_ATTEMPT_UNFINISHED
 *   POST  /tasks/{id}/artifacts/uploads                       UploadRequest → UploadAnswer
 *   HEAD, PATCH /tasks/{id}/artifacts/uploads/{uploadId}      as streams; the last PATCH answers 201 with the artifact
 *
 * A write that names an attempt which is not the task's newest, or which has finished, is answered 409
 * KERUTA_ERR_ATTEMPT_SUPERSEDED. Every one of them may be repeated: the same again has no second effect.
 */
import { z } from 'zod';
import { maxMicro } from '../domain/money.ts';
import { endReasons } from '../domain/outcome.ts';
import { usageShape } from './shapes.ts';

/** What a server can do beyond the plain protocol; told in `/api/v1/health` as `abilities`. */
export const abilities = ['claim', 'streams', 'messages', 'uploads', 'logs-batch', 'events'] as const;

const count = z.number().int().nonnegative();
const instant = z.iso.datetime({ offset: true });

/** Longest wait of a long poll; ms. */
export const maxWaitMs = 10_000;

/** A skill, as agents and tasks name it. */
export const agentLabel = z
  .string()
  .max(1000)
  .regex(/^[^\p{Cc}]+$/u, 'expected one line');

export const claimRequest = z.object({
  /** stable over restarts of one agent */
  agentId: z.string().min(1).max(200),
  /** new for each wish to claim; the same one again gives the same attempt with a fresh token */
  claimId: z.string().min(1).max(200),
  /** how long the answer may wait for a task; 0 = answer at once */
  waitMs: count.max(maxWaitMs).default(0),
  agent: z
    .object({
      hostname: z.string().max(255),
      version: z.string().max(100),
      /** skills that it is for: it gets no task that needs another one; left out or empty = any task */
      labels: z.array(agentLabel).max(50).optional(),
    })
    .optional(),
});

export const attemptClaim = z.object({
  number: z.number().int().positive(),
  reason: z.string(),
  leaseMs: z.number().int().positive(),
  /** task-scoped bearer token for the run itself */
  token: z.string(),
});

export const renewRequest = z.object({
  /** how long the answer may wait for something to say; 0 = answer at once */
  waitMs: count.max(maxWaitMs).default(0),
  /** ids of the inputs that arrived, so that they are not sent again */
  deliveredInputs: z.array(z.string()).default([]),
});

export const checkoutRequest = z.object({
  /** the one that claimed the attempt */
  agentId: z.string().min(1).max(200),
});

export const checkoutAnswer = z.object({
  /** null: what the session says is all there is */
  checkout: z
    .object({
      repositoryUrl: z.string(),
      /** for this repository only, and for git only; null: the agent's own */
      credentials: z.object({ username: z.string(), password: z.string(), expiresAt: instant }).nullable(),
      /** why there are none although there should be; for people */
      note: z.string().nullable(),
    })
    .nullable(),
});

export const renewAnswer = z.object({
  leaseMs: z.number().int().positive(),
  cancel: z.boolean(),
  /** answers of people, oldest first, until they are named in deliveredInputs */
  inputs: z.array(z.object({ id: z.string(), key: z.string(), answer: z.string() })),
  /** the task's limits as they are now; null = none */
  timeoutMs: z.number().int().positive().nullable(),
});

/** One control message. `seq` grows within the attempt; a number that was applied is passed over. */
export const controlMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('started'), seq: count, at: instant, message: z.string().optional() }),
  z.object({
    kind: z.literal('progress'),
    seq: count,
    at: instant,
    progress: z.number().int().min(0).max(100),
    message: z.string().optional(),
  }),
  z.object({
    kind: z.literal('log'),
    seq: count,
    at: instant,
    level: z.string(),
    message: z.string(),
    source: z.string().optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
  }),
  z.object({
    /** what `keruta success` or `keruta fail` said; judged when the run ends */
    kind: z.literal('declared'),
    seq: count,
    at: instant,
    status: z.enum(['COMPLETED', 'FAILED']),
    message: z.string(),
    errorCode: z.string(),
    autoFix: z.boolean().nullable(),
    /** least time before the next run; ms */
    retryAfterMs: count.optional(),
  }),
  z.object({
    /** a question: the task is WAITING_FOR_INPUT until it is answered or withdrawn */
    kind: z.literal('ask'),
    seq: count,
    at: instant,
    key: z.string(),
    how: z.enum(['ask', 'stdin']),
    prompt: z.string(),
    choices: z.array(z.string()),
    secret: z.boolean(),
  }),
  z.object({
    /** what the run paid for; the same key again is the same cost */
    kind: z.literal('cost'),
    seq: count,
    at: instant,
    key: z.string().min(1).max(200),
    /** millionths of a dollar */
    micro: z.number().int().min(0).max(maxMicro),
    tokensIn: count.nullable(),
    tokensOut: count.nullable(),
    model: z.string().max(200),
  }),
  z.object({
    /** the wait is over without an answer: it timed out, was answered elsewhere, or is no longer waited for */
    kind: z.literal('withdraw'),
    seq: count,
    at: instant,
    key: z.string(),
  }),
]);

export const messagesRequest = z.object({ messages: z.array(controlMessage).max(1000) });
export const messagesAnswer = z.object({
  /** highest number that is applied; those up to it need not be sent again */
  controlSeq: count,
});

export const exitedRequest = z.object({
  exitCode: z.number().int().nullable(),
  signal: z.string().nullable(),
  reason: z.enum(endReasons).nullable(),
  startedAt: instant,
  exitedAt: instant,
  message: z.string().optional(),
  errorCode: z.string().optional(),
});

const streamReport = z.object({ size: count, crc32: count, lostBytes: count.default(0) });

export const finishRequest = exitedRequest.extend({
  /** the last control message that was sent; 0 = none */
  controlSeq: count,
  streams: z.object({ stdout: streamReport, stderr: streamReport }),
  /** SHA-256 of every artifact that was sent */
  artifacts: z.array(z.object({ path: z.string(), sha256: z.string() })),
  usage: usageShape.nullable(),
  /** present: a fix task is wanted if the task turns out FAILED */
  fix: z
    .object({
      script: z.string().nullable(),
      /** whether a coding agent is to mend what a script failed at */
      byAgent: z.boolean().default(false),
      bundle: z.record(z.string(), z.unknown()).nullable(),
      fingerprint: z.string().nullable(),
    })
    .nullable()
    .default(null),
});

export const finishAnswer = z.object({
  status: z.string(),
  /** the fix task that came of it; null = none */
  fixTaskId: z.string().nullable(),
  /** whether the server will make a new attempt of the same task */
  willRetry: z.boolean(),
});

export const uploadRequest = z.object({
  attempt: count.default(0),
  path: z.string().min(1).max(4096),
  size: count,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  contentType: z.string().max(255).default('application/octet-stream'),
  description: z.string().max(65_536).default(''),
  unstable: z.boolean().default(false),
});

export const uploadAnswer = z.object({
  uploadId: z.string(),
  /** where the next bytes go; equal to the size when there is nothing left to send */
  offset: count,
  /** set when an artifact with this path and digest is already there: nothing is to be sent */
  artifactId: z.string().nullable(),
});

export type ClaimRequest = z.input<typeof claimRequest>;
export type AttemptClaim = z.infer<typeof attemptClaim>;
export type RenewRequest = z.input<typeof renewRequest>;
export type CheckoutAnswer = z.infer<typeof checkoutAnswer>;
export type RenewAnswer = z.infer<typeof renewAnswer>;
export type ControlMessage = z.infer<typeof controlMessage>;
export type ExitedRequest = z.input<typeof exitedRequest>;
export type FinishRequest = z.input<typeof finishRequest>;
export type FinishAnswer = z.infer<typeof finishAnswer>;
export type UploadRequest = z.input<typeof uploadRequest>;
export type UploadAnswer = z.infer<typeof uploadAnswer>;
