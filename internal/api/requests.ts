/** Bodies that clients send, in every dialect that is accepted. Unknown fields are passed over. */
import { z } from 'zod';
import { contextShape } from '../domain/context-shape.ts';
import { maxGitTimeoutMs } from '../domain/session.ts';
import { maxNeeds } from '../domain/task.ts';
import { taskKinds } from '../domain/task-context.ts';
import { longText } from './limited.ts';
import { templateConfigShape } from './shapes.ts';

export const newSessionBody = z.object({
  name: z.string().trim().min(1).max(255),
  description: longText.nullish(),
  tags: z.array(z.string()).nullish(),
  repositoryUrl: z.string().nullish(),
  repositoryRef: z.string().nullish(),
  /** for one checkout; null = as the agent's settings say; absent from a change = as before */
  gitTimeoutSeconds: z
    .number()
    .int()
    .min(1)
    .max(maxGitTimeoutMs / 1000)
    .nullish(),
  templateConfig: templateConfigShape.nullish(),
  workspaceId: z.string().nullish(),
});

/** Longest time that can be asked for: 30 years; more is no number of ms that every store gives back. */
const maxSeconds = 1_000_000_000;
const seconds = z.number().positive().max(maxSeconds).nullish();

export const newTaskBody = z.object({
  sessionId: z.string().optional(),
  session: z.string().optional(),
  name: z.string().max(1000).optional(),
  title: z.string().max(1000).optional(),
  script: z.string().nullish(),
  description: longText.nullish(),
  parentTaskId: z.string().nullish(),
  priority: z.number().int().min(-1_000_000).max(1_000_000).nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  ref: z.string().nullish(),
  timeoutSeconds: seconds,
  noOutputTimeoutSeconds: seconds,
  retryCount: z.number().int().min(0).max(100).nullish(),
  /** how it is tried again; absent = at once after a failure */
  retry: z
    .object({
      backoff: z.enum(['fixed', 'exponential']).nullish(),
      delaySeconds: z.number().min(0).max(maxSeconds).nullish(),
      maxDelaySeconds: z.number().min(0).max(maxSeconds).nullish(),
      exitCodes: z.array(z.number().int().min(1).max(255)).min(1).max(255).nullish(),
      neverOn: z.array(z.string().max(255)).max(100).nullish(),
      lostRetries: z.number().int().min(0).max(100).nullish(),
      deadlineSeconds: seconds,
    })
    .nullish(),
  /** what it does; absent = runs its script */
  kind: z.enum(taskKinds).nullish(),
  /** what is wanted of a task that is no script */
  context: contextShape.nullish(),
  /** ids of tasks that must succeed before this one is run */
  needs: z.array(z.string().min(1).max(200)).max(maxNeeds).nullish(),
  concurrency: z
    .object({ group: z.string().min(1).max(100), limit: z.number().int().min(1).max(1000) })
    .nullish(),
  input: z.enum(['none', 'wait']).nullish(),
  inputTimeoutSeconds: seconds,
  autoFix: z.boolean().nullish(),
});

export const statusBody = z.object({
  status: z.string(),
  message: longText.nullish(),
  progress: z.number().int().min(0).max(100).nullish(),
  errorCode: longText.nullish(),
});

export const logBody = z.object({
  level: z.string(),
  message: longText,
  source: z.string().max(255).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  timestamp: z.unknown().optional(),
});

export const inputBody = z.object({
  /** the answer; a newline is added for a reader of lines */
  input: longText,
  /** which question it answers; without it, the one that is open */
  promptId: z.string().nullish(),
});

export const newTokenBody = z.object({
  scope: z.enum(['admin', 'session', 'read-only']),
  sessionId: z.string().nullish(),
  name: z.string().max(255).nullish(),
  /** what it may approve */
  role: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected small letters, digits, dots, dashes')
    .nullish(),
  expiresInSeconds: z.number().int().positive().max(maxSeconds).nullish(),
});

export type NewSessionBody = z.input<typeof newSessionBody>;
export type NewTaskBody = z.input<typeof newTaskBody>;
export type StatusBody = z.input<typeof statusBody>;
export type LogBody = z.input<typeof logBody>;
export type NewTokenBody = z.input<typeof newTokenBody>;
