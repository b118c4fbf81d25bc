/** What an agent watches for a session, and what it saw, on the wire. */
import { z } from 'zod';

/** What happened to a file. */
export const fileEventKinds = ['create', 'modify', 'delete', 'rename'] as const;
/** @see fileEventKinds */
export type FileEventKind = (typeof fileEventKinds)[number];

/** One directory to watch; durations are ms. */
export const watchShape = z.object({
  triggerId: z.string(),
  /** of the workflow, and of the trigger in it; for people */
  workflow: z.string(),
  name: z.string(),
  /** absolute, or below the home directory by `~` */
  path: z.string(),
  patterns: z.array(z.string()),
  ignore: z.array(z.string()),
  events: z.array(z.enum(fileEventKinds)),
  settleMs: z.number(),
  debounceMs: z.number(),
  mode: z.enum(['perFile', 'batch']),
  /** what changed while nobody watched; null: files of a new watch are known, changes of a known one run */
  onStart: z.enum(['run', 'baseline']).nullable(),
  maxEntries: z.number(),
  /** what changes while a task of the trigger runs: taken for its work, or not */
  ownChanges: z.enum(['ignore', 'run']),
});
/** @see watchShape */
export type WatchWire = z.output<typeof watchShape>;

/** One file that changed. */
export const fileChangeShape = z.strictObject({
  kind: z.enum(fileEventKinds),
  /** absolute */
  path: z.string().min(1).max(8192),
  /** of a rename: where it was */
  renamedFrom: z.string().max(8192).optional(),
  /** bytes; of a file that is gone: as it was last */
  size: z.number().int().nonnegative(),
  /** ns since 1970, in digits: more than a number holds */
  mtimeNs: z.string().regex(/^-?\d{1,25}$/),
  inode: z.string().regex(/^\d{1,25}$/),
  /** lower-case hex; null for large files */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
});
/** @see fileChangeShape */
export type FileChange = z.output<typeof fileChangeShape>;

/** Most files of one event. */
export const maxChanges = 1000;

/** Files that changed together: one task comes of them. */
export const fileEventShape = z.strictObject({
  changes: z.array(fileChangeShape).min(1).max(maxChanges),
  /** the task of the trigger that ran when they changed: they are on record, and fire nothing */
  ownTask: z.string().max(200).optional(),
});
/** @see fileEventShape */
export type FileEvent = z.output<typeof fileEventShape>;

/** Most events that are handed in at once. */
export const maxFileEvents = 200;

/** What an agent hands in, in the order in which the tasks shall run. */
export const fileEventsBody = z.strictObject({
  events: z.array(fileEventShape).min(1).max(maxFileEvents),
});
/** @see fileEventsBody */
export type FileEventsBody = z.input<typeof fileEventsBody>;

/** What became of one. */
export const fileEventResult = z.object({
  decision: z.enum(['run', 'skipped']),
  reason: z.string(),
  taskId: z.string().nullable(),
});
/** @see fileEventResult */
export type FileEventResult = z.output<typeof fileEventResult>;

/** What became of them, from the first on; those behind the last that is told were not taken, and may be handed in again. */
export const fileEventsAnswer = z.object({ results: z.array(fileEventResult).min(1) });
/** @see fileEventsAnswer */
export type FileEventsAnswer = z.output<typeof fileEventsAnswer>;

/** How an agent asks for what it watches. */
export const watcherBody = z.strictObject({
  /** stable over restarts of the agent */
  agentId: z.string().min(1).max(200),
});

/** What an agent watches. */
export const watcherAnswer = z.object({
  watches: z.array(watchShape),
  /** another agent that watches for the session; then there is nothing to watch. null: none */
  heldBy: z.string().nullable(),
});
/** @see watcherAnswer */
export type WatcherAnswer = z.output<typeof watcherAnswer>;
