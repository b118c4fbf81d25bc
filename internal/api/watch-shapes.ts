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

/** What an agent hands in: one task comes of it. */
export const fileEventBody = z.strictObject({
  changes: z.array(fileChangeShape).min(1).max(maxChanges),
  /** how many more there were */
  omitted: z.number().int().nonnegative().default(0),
});
/** @see fileEventBody */
export type FileEventBody = z.input<typeof fileEventBody>;

/** What became of it. */
export const fileEventAnswer = z.object({
  decision: z.enum(['run', 'skipped']),
  reason: z.string(),
  taskId: z.string().nullable(),
});
/** @see fileEventAnswer */
export type FileEventAnswer = z.output<typeof fileEventAnswer>;
