/** What is read of a cluster's answers; everything else in them is left alone. */
import { z } from 'zod';

const texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});
const text = z.string().default('');
const list = <T extends z.ZodType>(shape: T) =>
  z
    .array(shape)
    .nullish()
    .transform((value) => value ?? []);
const condition = z.object({ type: z.string(), status: z.string(), reason: text, message: text });

const metadata = z.object({
  name: z.string(),
  uid: text,
  resourceVersion: text,
  labels: texts,
  annotations: texts,
  /** there once it is being deleted */
  deletionTimestamp: z.string().nullish(),
});

/** A Job of batch/v1. */
export const jobShape = z.object({
  metadata,
  status: z
    .object({
      active: z.number().default(0),
      succeeded: z.number().default(0),
      failed: z.number().default(0),
      conditions: list(condition),
    })
    .default({ active: 0, succeeded: 0, failed: 0, conditions: [] }),
});
/** @see jobShape */
export type Job = z.infer<typeof jobShape>;

const containerState = z
  .object({
    waiting: z.object({ reason: text, message: text }).nullish(),
    running: z.object({ startedAt: z.string().nullish() }).nullish(),
    terminated: z.object({ exitCode: z.number(), reason: text, message: text }).nullish(),
  })
  .default({});

const containerStatus = z.object({ name: z.string(), state: containerState });

/** A Pod of v1. */
export const podShape = z.object({
  metadata,
  spec: z.object({ nodeName: text }).default({ nodeName: '' }),
  status: z
    .object({
      /** Pending, Running, Succeeded, Failed, Unknown */
      phase: text,
      reason: text,
      message: text,
      conditions: list(condition),
      initContainerStatuses: list(containerStatus),
      containerStatuses: list(containerStatus),
    })
    .default({
      ...{ phase: '', reason: '', message: '', conditions: [] },
      ...{ initContainerStatuses: [], containerStatuses: [] },
    }),
});
/** @see podShape */
export type Pod = z.infer<typeof podShape>;

/** What an answer to a list is like. */
export const listShape = z.object({
  metadata: z.object({ resourceVersion: text, continue: text }),
  items: z.array(z.unknown()),
});

/** One line of a watch. */
export const watchEventShape = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.unknown(),
});

/** The object of a BOOKMARK: up to which version everything was told. */
export const bookmarkShape = z.object({ metadata: z.object({ resourceVersion: z.string() }) });

/** What a refusal is like, and the object of an ERROR in a watch. */
export const statusShape = z.object({
  code: z.number().optional(),
  reason: text,
  message: text,
  details: z.object({ retryAfterSeconds: z.number().optional() }).nullish(),
});

/** A PersistentVolumeClaim of v1. */
export const claimShape = z.object({
  metadata,
  spec: z.object({ accessModes: list(z.string()) }).default({ accessModes: [] }),
  status: z.object({ phase: text }).default({ phase: '' }),
});

/** A SelfSubjectAccessReview of authorization.k8s.io/v1. */
export const reviewShape = z.object({ status: z.object({ allowed: z.boolean(), reason: text }) });

/** GET /version */
export const versionShape = z.object({ gitVersion: z.string() });
