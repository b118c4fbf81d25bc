/**
 * What is kept of a run, so that another start of it goes on where this one ended: lines of JSON in a file that only grows. A line is
 * written before what it announces begins, and after what it tells has ended.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ConflictError } from '../domain/errors.ts';
import type { EndedAttempt, Step, StepReason } from './playbook.ts';

const endShape = z.object({
  exitCode: z.number().nullable(),
  signal: z.string().nullable(),
  reason: z.enum(['timeout', 'cancelled', 'fault']).nullable(),
  message: z.string(),
  outputs: z.record(z.string(), z.string()),
  artifacts: z.array(z.string()),
  notes: z.array(z.string()),
});

const recordShape = z.discriminatedUnion('type', [
  z.object({ type: z.literal('run'), version: z.literal(1), id: z.string(), steps: z.string() }),
  z.object({ type: z.literal('begun'), step: z.int(), attempt: z.int() }),
  z.object({
    type: z.literal('ended'),
    step: z.int(),
    attempt: z.int(),
    status: z.enum(['success', 'failure', 'cancelled', 'interrupted']),
    end: endShape,
    durationMs: z.number(),
    again: z.boolean(),
  }),
  z.object({
    type: z.literal('skipped'),
    step: z.int(),
    reason: z.enum(['condition', 'earlier_failure', 'cancelled']),
  }),
  z.object({ type: z.literal('stopped') }),
]);
type RunRecord = z.output<typeof recordShape>;

/** Where the lines of a run are. */
export interface RunState {
  /** all that was appended; `''` = nothing yet */
  read(): string;
  /** The line survives the death of this process when it returns. @param line  without its end */
  append(line: string): void;
}

/** What is known of a step from an earlier start. */
export interface StepHistory {
  /** those that ended, the last one last */
  readonly ended: readonly EndedAttempt[];
  /** begun and not ended; null = none */
  readonly open: number | null;
  readonly skipped: Extract<StepReason, 'condition' | 'earlier_failure' | 'cancelled'> | null;
}

/** A run whose state was read, or begun. */
export interface OpenRun {
  /** unique over all runs, and the same at every start of this one */
  readonly id: string;
  /** whether it was begun by an earlier start */
  readonly isOld: boolean;
  readonly wasStopped: boolean;
  /** what is known of a step */
  history(index: number): StepHistory;
  /** Writes down what happens. */
  append(record: Exclude<RunRecord, { readonly type: 'run' }>): void;
}

/**
 * Reads the state of a run, or begins it.
 * @param options.values  by which conditions are judged: those of the run, as far as they are the same at every start of it
 * @param options.newId  its id when it is new
 * @throws {ConflictError} KERUTA_ERR_PLAYBOOK_CHANGED: the run was begun with other steps or values
 */
export function openRun(
  state: RunState,
  options: {
    readonly steps: readonly Step[];
    readonly values: Readonly<Record<string, unknown>>;
    readonly newId: string;
  },
): OpenRun {
  const { steps, values } = options;
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([steps, values]))
    .digest('hex');
  const records = state.read().split('\n').flatMap(readRecord);
  const begun = records.find((record) => record.type === 'run');
  if (begun !== undefined && begun.steps !== fingerprint)
    throw new ConflictError(
      'KERUTA_ERR_PLAYBOOK_CHANGED',
      'the steps of the playbook, or its parameters, are others than when this run began; expected the same ones. Begin a new run, with another state directory',
    );
  const append = (record: RunRecord) => state.append(JSON.stringify(record));
  const id = begun?.id ?? options.newId;
  if (begun === undefined) append({ type: 'run', version: 1, id, steps: fingerprint });
  const byStep = Map.groupBy(
    records.filter((record) => 'step' in record),
    ({ step }) => step,
  );
  return {
    id,
    isOld: begun !== undefined,
    wasStopped: records.some(({ type }) => type === 'stopped'),
    history: (index) => historyOf(byStep.get(index) ?? []),
    append,
  };
}

/** A line that was cut off when its writer died tells nothing. */
function readRecord(line: string): RunRecord[] {
  try {
    return [recordShape.parse(JSON.parse(line))];
  } catch {
    return [];
  }
}

function historyOf(records: readonly Extract<RunRecord, { readonly step: number }>[]): StepHistory {
  const ended = records.filter((record) => record.type === 'ended');
  const begun = records.filter((record) => record.type === 'begun').map(({ attempt }) => attempt);
  return {
    ended,
    open: begun.find((attempt) => !ended.some((one) => one.attempt === attempt)) ?? null,
    skipped: records.find((record) => record.type === 'skipped')?.reason ?? null,
  };
}

/** State for a run that nobody goes on with. */
export function memoryState(): RunState {
  const lines: string[] = [];
  return { read: () => lines.join('\n'), append: (line) => void lines.push(line) };
}
