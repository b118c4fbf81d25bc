/**
 * Reads what servers of every age answer into the shapes of shapes.ts: unknown fields are passed over, missing or odd
 * ones get their default, times may have any form (see instant.ts), older names are understood. Only an object with
 * an id is asked for.
 */

import { z } from 'zod';
import { contextShape } from '../domain/context-shape.ts';
import { defaultInputTimeoutMs } from '../domain/task.ts';
import { taskKinds } from '../domain/task-context.ts';
import { parseTaskStatus } from '../domain/task-status.ts';
import { readInstant } from './instant.ts';
import type { ArtifactWire, LogWire, SessionWire, TaskWire } from './shapes.ts';
import { retryShape, templateConfigShape, usageShape } from './shapes.ts';

const id = z.union([z.string().min(1), z.number().transform(String)]);
const text = z.string().catch('');
const textOrNull = z.string().nullable().catch(null);
const number = z.number().catch(0);
const numberOrNull = z.number().nullable().catch(null);
const flag = z.boolean().catch(false);
const texts = z.array(z.string()).catch([]);
const values = z.record(z.string(), z.unknown()).catch({});
/** the start of time stands for a time that was not given */
const instant = z
  .unknown()
  .optional()
  .transform((value) => readInstant(value) ?? new Date(0).toISOString());
const instantOrNull = z.unknown().optional().transform(readInstant);

/** Takes the first of several names that has a value, before a shape is read. */
const renamed = (names: Readonly<Record<string, readonly string[]>>) => (value: unknown) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const fields: Record<string, unknown> = { ...value };
  for (const [name, others] of Object.entries(names))
    for (const other of others) fields[name] ??= fields[other];
  return fields;
};

/** A session in any dialect. */
export const tolerantSession: z.ZodType<SessionWire> = z.preprocess(
  renamed({ repositoryUrl: ['repositoryURL'] }),
  z.object({
    id,
    name: text,
    description: textOrNull,
    status: z
      .string()
      .catch('ACTIVE')
      .transform((status) => status.trim().toUpperCase()),
    tags: texts,
    repositoryUrl: textOrNull,
    repositoryRef: z.string().min(1).catch('main'),
    gitTimeoutSeconds: z.number().positive().nullable().catch(null),
    templateConfig: templateConfigShape.nullable().catch(null),
    workspaceId: textOrNull,
    createdAt: instant,
    updatedAt: instant,
  }),
);

/** A task in any dialect; its status has the canonical name when it is a known one. */
export const tolerantTask: z.ZodType<TaskWire> = z.preprocess(
  renamed({
    name: ['title'],
    title: ['name'],
    sessionId: ['session', 'queueId'],
    parentTaskId: ['parentId'],
    message: ['errorMessage'],
    finishedAt: ['completedAt'],
  }),
  z.object({
    id,
    sessionId: z.union([z.string(), z.number().transform(String)]).catch(''),
    parentTaskId: textOrNull,
    name: text,
    title: text,
    description: text,
    script: text,
    status: z
      .string()
      .catch('PENDING')
      .transform((status) => parseTaskStatus(status) ?? status),
    message: text,
    progress: number,
    errorCode: text,
    exitCode: numberOrNull,
    signal: textOrNull,
    reason: textOrNull,
    attempt: number,
    priority: number,
    parameters: values,
    ref: textOrNull,
    timeoutSeconds: numberOrNull,
    noOutputTimeoutSeconds: numberOrNull,
    retryCount: number,
    retriesUsed: number,
    retry: retryShape.nullable().catch(null),
    notBefore: instantOrNull,
    kind: z.enum(taskKinds).catch('script'),
    context: contextShape.nullable().catch(null),
    needs: z.array(z.string()).catch([]),
    unmetNeeds: number,
    blockedBy: textOrNull,
    concurrency: z.object({ group: z.string(), limit: z.number() }).nullable().catch(null),
    input: z.enum(['none', 'wait']).catch('wait'),
    inputTimeoutSeconds: z.number().catch(defaultInputTimeoutMs / 1000),
    autoFix: z.boolean().nullable().catch(null),
    fixCount: number,
    cancelRequested: flag,
    logComplete: flag,
    late: flag,
    usage: usageShape.nullable().catch(null),
    createdAt: instant,
    updatedAt: instant,
    startedAt: instantOrNull,
    finishedAt: instantOrNull,
  }),
);

/** A log line in any dialect. */
export const tolerantLog: z.ZodType<LogWire> = z.object({
  id: z.union([z.string(), z.number().transform(String)]).catch(''),
  taskId: text,
  sessionId: text,
  level: z.string().catch('INFO'),
  source: z.string().catch('task'),
  message: text,
  timestamp: instant,
  metadata: values,
});

/** An artifact in any dialect. */
export const tolerantArtifact: z.ZodType<ArtifactWire> = z.preprocess(
  renamed({ name: ['filename', 'path'], path: ['name'], contentType: ['mimeType'] }),
  z.object({
    id,
    taskId: text,
    attempt: number,
    name: text,
    path: text,
    size: number,
    sha256: text,
    contentType: z.string().catch('application/octet-stream'),
    description: text,
    unstable: flag,
    createdAt: instant,
  }),
);

/** A list in any dialect: a bare array, or a page of one. */
export const listOf = <T>(entry: z.ZodType<T>): z.ZodType<T[]> =>
  z.preprocess((value) => {
    const page = value as { content?: unknown } | null;
    return Array.isArray(page?.content) ? page.content : value;
  }, z.array(entry));
