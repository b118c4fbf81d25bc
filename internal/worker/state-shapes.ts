/**
 * The shapes of what an agent writes down about a run, as of the first version that did. A file that a bad disk or a
 * stranger has changed does not fit, and is then taken for no record at all. Fields that a later version adds are left
 * out here, or optional: what an older version wrote is read.
 */
import { z } from 'zod';
import { sessionShape, taskShape } from '../api/shapes.ts';
import { endReasons } from '../domain/outcome.ts';

const count = z.number().int().nonnegative();
const streams = <S extends z.ZodType>(shape: S) => z.looseObject({ stdout: shape, stderr: shape });

/** `<run>/task.json`; @see RunRecord */
export const recordShape = z.looseObject({
  version: z.literal(1),
  task: z.looseObject(
    taskShape.pick({
      id: true,
      sessionId: true,
      name: true,
      script: true,
      parameters: true,
      ref: true,
      timeoutSeconds: true,
      noOutputTimeoutSeconds: true,
      input: true,
      inputTimeoutSeconds: true,
      autoFix: true,
      fixCount: true,
    }).shape,
  ),
  session: z.looseObject(
    sessionShape.pick({
      id: true,
      repositoryUrl: true,
      repositoryRef: true,
      gitTimeoutSeconds: true,
      templateConfig: true,
    }).shape,
  ),
  attempt: count,
  runId: z.string().min(1),
  token: z.string().nullable(),
  environment: z.record(z.string(), z.string()),
  asksForCheckout: z.boolean().optional(),
  started: z
    .looseObject({
      at: z.number(),
      workingDirectory: z.string(),
      artifactsDirectories: z.array(z.string()),
      bootId: z.string().nullish(),
      commit: z.string().nullish(),
      variables: z.array(z.string()).optional(),
      secrets: z.array(z.string()),
    })
    .nullable(),
});

/** `<run>/receipt.json`; @see Receipt */
export const receiptShape = z.looseObject({
  version: z.literal(1),
  taskId: z.string(),
  attempt: count,
  state: z.enum(['reported', 'superseded', 'refused']),
  status: z.string().nullable(),
  place: z
    .looseObject({
      workingDirectory: z.string(),
      commit: z.string().nullable(),
      variables: z.array(z.string()),
    })
    .nullish(),
  at: z.number(),
});

/** `<run>/cursor.json`; @see CursorState */
export const cursorShape = z.looseObject({
  version: z.literal(1),
  streams: streams(z.looseObject({ offset: count, crc32: count })),
  mailbox: count,
  controlSeq: count,
  outbox: z.array(z.looseObject({ kind: z.string(), seq: count })),
  declared: z
    .looseObject({
      status: z.enum(['COMPLETED', 'FAILED']),
      message: z.string(),
      errorCode: z.string(),
      autoFix: z.boolean().nullable(),
      retryAfterMs: count.optional(),
    })
    .nullable(),
  asks: z.array(z.looseObject({ key: z.string(), withdrawAt: z.number().nullable(), secret: z.boolean() })),
  lateSecrets: z.array(z.looseObject({ value: z.string(), from: streams(count) })),
  deliveredInputs: z.array(z.string()),
  added: z.array(z.looseObject({ file: z.string(), name: z.string(), description: z.string() })),
  artifactsDir: z.string().nullable(),
  reason: z.enum(endReasons).nullable(),
  isLeft: z.boolean().optional(),
});
