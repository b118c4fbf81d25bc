import { z } from 'zod';
import { parseDuration } from '../../domain/duration.ts';
import { triggerType } from '../trigger-type.ts';

const maxPathLength = 4096;
const glob = z.string().min(1).max(1000);

/** A duration as people write it, kept as it was written. */
const duration = z
  .string()
  .refine(
    (text) => (parseDuration(text) ?? Number.POSITIVE_INFINITY) <= 3_600_000,
    'expected a duration of at most 1h, such as 500ms or 2s',
  );

const spec = z.strictObject({
  /** directory on the agent's machine: absolute, or below the home directory of its user by `~/` */
  path: z
    .string()
    .max(maxPathLength)
    .regex(/^(\/|~$|~\/)[^\0]*$/, 'expected an absolute path, or one that begins with ~/'),
  /** which files below it, by `*`, `**`, `?` and `{a,b}`; without a slash: by name at any depth. Default: all */
  patterns: z.array(glob).min(1).max(100).optional(),
  /** files and directories that are left out, beside `.git`, `node_modules`, `.keruta` and `dist` */
  ignore: z.array(glob).max(100).optional(),
  /** default: create, modify and rename */
  events: z
    .array(z.enum(['create', 'modify', 'delete', 'rename']))
    .min(1)
    .optional(),
  /** how long size and time of a file must stay the same before it counts; default 2s */
  settle: duration.optional(),
  /** how long no file may change before those that rest are taken, at most 10s; default 500ms */
  debounce: duration.optional(),
  /** a task for each file, or one for all that changed together; default perFile */
  mode: z.enum(['perFile', 'batch']).optional(),
  /** what changed while nobody watched: run, or taken as known. Default: files of a new trigger are taken as known */
  onStart: z.enum(['run', 'baseline']).optional(),
  /** most files and directories below the path; default 50000 */
  maxEntries: z.int().min(1).max(1_000_000).optional(),
  /** what changes while a task of this trigger runs: ignore it as the task's own work, or run; default ignore */
  ownChanges: z.enum(['ignore', 'run']).optional(),
});

/** Part of a definition that says what is watched. */
export type FileSpec = z.output<typeof spec>;

/** What is watched, with every default filled in; durations are ms. */
export function watchOf(one: FileSpec) {
  return {
    path: one.path,
    patterns: one.patterns ?? ['**'],
    ignore: one.ignore ?? [],
    events: one.events ?? (['create', 'modify', 'rename'] as const),
    settleMs: parseDuration(one.settle ?? '2s') ?? 2_000,
    debounceMs: parseDuration(one.debounce ?? '500ms') ?? 500,
    mode: one.mode ?? ('perFile' as const),
    onStart: one.onStart ?? null,
    maxEntries: one.maxEntries ?? 50_000,
    ownChanges: one.ownChanges ?? ('ignore' as const),
  };
}

/** Fires when files change where an agent runs. */
export const file = triggerType({
  name: 'file',
  doc: 'when files below a directory of the agent change',
  source: 'file',
  spec,
});
