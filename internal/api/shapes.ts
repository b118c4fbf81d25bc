/**
 * The wire shapes of sessions, tasks and what hangs on them, as every client of the API sees them. Instants are
 * RFC 3339 UTC strings with milliseconds; absent values are explicit nulls. Fields are only ever added.
 */

import { z } from 'zod';
import { contextShape } from '../domain/context-shape.ts';
import { maxUsagePoints } from '../domain/task.ts';
import { taskKinds } from '../domain/task-context.ts';

const instant = z.string();
const instantOrNull = z.string().nullable();

export const templateConfigShape = z.looseObject({
  templateId: z.string().nullish(),
  templateName: z.string().nullish(),
  templatePath: z.string().nullish(),
  preferredKeywords: z.array(z.string()).nullish(),
  parameters: z.record(z.string(), z.string()).nullish(),
  repositoryUrl: z.string().nullish(),
  repositoryRef: z.string().nullish(),
});

export const sessionShape = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  status: z.string(),
  tags: z.array(z.string()),
  repositoryUrl: z.string().nullable(),
  repositoryRef: z.string(),
  /** for one checkout; null = as the agent's settings say; absent from older servers */
  gitTimeoutSeconds: z.number().positive().nullable().default(null),
  templateConfig: templateConfigShape.nullable(),
  workspaceId: z.string().nullable(),
  createdAt: instant,
  updatedAt: instant,
});

export const usageShape = z.object({
  durationMs: z.number(),
  cpuMs: z.number().nullable(),
  peakMemoryBytes: z.number().nullable(),
  /** from and to storage; bytes */
  readBytes: z.number().nullish(),
  writtenBytes: z.number().nullish(),
  /** evenly spaced points; 100 % = one processor */
  samples: z
    .object({
      everyMs: z.number().positive(),
      cpuPercent: z.array(z.number()).max(maxUsagePoints).readonly(),
      memoryBytes: z.array(z.number()).max(maxUsagePoints).readonly(),
    })
    .nullish(),
});

export const retryShape = z.object({
  backoff: z.enum(['fixed', 'exponential']),
  delaySeconds: z.number(),
  maxDelaySeconds: z.number(),
  exitCodes: z.array(z.number()).nullable(),
  neverOn: z.array(z.string()),
  lostRetries: z.number(),
  deadlineSeconds: z.number().nullable(),
});

export const taskShape = z.object({
  id: z.string(),
  sessionId: z.string(),
  parentTaskId: z.string().nullable(),
  name: z.string(),
  /** the same as name; older clients read it */
  title: z.string(),
  description: z.string(),
  script: z.string(),
  /** what it does: `script`, `playbook`, `agent`. An older server does not say */
  kind: z.enum(taskKinds).default('script'),
  /** what is wanted of a task that is no script */
  context: contextShape.nullable().default(null),
  status: z.string(),
  message: z.string(),
  progress: z.number(),
  errorCode: z.string(),
  exitCode: z.number().nullable(),
  signal: z.string().nullable(),
  reason: z.string().nullable(),
  attempt: z.number(),
  priority: z.number(),
  parameters: z.record(z.string(), z.unknown()),
  ref: z.string().nullable(),
  timeoutSeconds: z.number().nullable(),
  noOutputTimeoutSeconds: z.number().nullable(),
  retryCount: z.number(),
  retriesUsed: z.number(),
  /** how it is tried again; null = at once. An older server does not say */
  retry: retryShape.nullable().default(null),
  /** a PENDING task is claimed only from then on; null = at once */
  notBefore: instantOrNull.default(null),
  /** tasks that must succeed first. An older server does not say */
  needs: z.array(z.string()).default([]),
  /** how many of them have not succeeded: it is claimed when none is left */
  unmetNeeds: z.number().default(0),
  /** one of them that ended without success or is gone */
  blockedBy: z.string().nullable().default(null),
  concurrency: z.object({ group: z.string(), limit: z.number() }).nullable().default(null),
  input: z.enum(['none', 'wait']),
  inputTimeoutSeconds: z.number(),
  autoFix: z.boolean().nullable(),
  fixCount: z.number(),
  cancelRequested: z.boolean(),
  logComplete: z.boolean(),
  late: z.boolean(),
  usage: usageShape.nullable(),
  createdAt: instant,
  updatedAt: instant,
  startedAt: instantOrNull,
  finishedAt: instantOrNull,
});

export const logShape = z.object({
  id: z.string(),
  taskId: z.string(),
  sessionId: z.string(),
  level: z.string(),
  source: z.string(),
  message: z.string(),
  timestamp: instant,
  metadata: z.record(z.string(), z.unknown()),
});

export const artifactShape = z.object({
  id: z.string(),
  taskId: z.string(),
  attempt: z.number(),
  name: z.string(),
  path: z.string(),
  size: z.number(),
  sha256: z.string(),
  contentType: z.string(),
  description: z.string(),
  unstable: z.boolean(),
  createdAt: instant,
});

export const inputRequestShape = z.object({
  id: z.string(),
  taskId: z.string(),
  attempt: z.number(),
  kind: z.string(),
  prompt: z.string(),
  choices: z.array(z.string()),
  secret: z.boolean(),
  state: z.string(),
  requestedAt: instant,
  answeredAt: instantOrNull,
});

export const agentShape = z.object({
  id: z.string(),
  sessionId: z.string(),
  hostname: z.string(),
  version: z.string(),
  /** skills that it is for; empty = any task */
  labels: z.array(z.string()).default([]),
  taskId: z.string().nullable(),
  firstSeenAt: instant,
  lastSeenAt: instant,
  /** seen within the last 30 s */
  alive: z.boolean(),
});

export const tokenShape = z.object({
  id: z.string(),
  scope: z.string(),
  sessionId: z.string().nullable(),
  name: z.string(),
  /** what it may approve; null = nothing */
  role: z.string().nullable().default(null),
  createdAt: instant,
  expiresAt: instantOrNull,
  revokedAt: instantOrNull,
});

export const errorShape = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    status: z.number(),
    details: z.record(z.string(), z.unknown()).optional(),
  }),
  /** the same as error.message; older clients read it */
  message: z.string().optional(),
  meta: z.object({ timestamp: z.string(), version: z.string() }),
});

/** The answer to a claim. `claim` null: nothing to do within the wait. */
export const claimAnswer = z.object({
  claim: z
    .object({
      task: taskShape,
      attempt: z.object({
        number: z.number(),
        reason: z.string(),
        leaseMs: z.number(),
        token: z.string(),
      }),
      /** variables for the run: what fired the task. Older servers send none */
      environment: z.record(z.string(), z.string()).optional(),
      /** whether the server is to be asked what is checked out. Older servers do not say */
      asksForCheckout: z.boolean().optional(),
      /** of a task that is no script: those that it came from, the nearest last. Older servers send none */
      story: z.array(z.object({ id: z.string(), title: z.string(), description: z.string() })).optional(),
      /** of such a task: names of those that were done before it */
      dependencies: z.array(z.string()).optional(),
    })
    .nullable(),
  session: sessionShape,
  /** when there was nothing: who has the one slot of the session, be it with a run that is lost. Older servers do not say */
  heldBy: z.object({ agentId: z.string(), taskId: z.string() }).nullish(),
});

export type SessionWire = z.infer<typeof sessionShape>;
export type TaskWire = z.infer<typeof taskShape>;
export type LogWire = z.infer<typeof logShape>;
export type ArtifactWire = z.infer<typeof artifactShape>;
export type InputRequestWire = z.infer<typeof inputRequestShape>;
export type AgentWire = z.infer<typeof agentShape>;
export type TokenWire = z.infer<typeof tokenShape>;
export type ErrorWire = z.infer<typeof errorShape>;
export type ClaimAnswer = z.infer<typeof claimAnswer>;
