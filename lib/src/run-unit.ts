/** One run of a function: its repetitions, and who is told of the end. */
import type { Registry, Unit } from './registry.ts';
import type { RetryOptions, RunContext, RunRecord, Source, Time } from './types.ts';

/** What a run is made of. */
export interface RunWish {
  readonly unit: Unit;
  readonly source: Source;
  /** epoch ms */
  readonly dueAt: number;
  /** payload or path; absent for what time fires */
  readonly input?: unknown;
  readonly event?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
  /**
   * Which run of the same event this is, when somebody else repeats: then it is run once, and nobody is told when it fails.
   * Default: it is repeated here, and `onError` is told after the last run.
   */
  readonly attempt?: number;
}

type Ending = Pick<RunRecord, 'status' | 'attempts' | 'result' | 'error' | 'errorName'>;

/** Longest wait between two runs; ms. */
const maxBackoffMs = 3_600_000;

/** Runs a function until it ends well or its repetitions are used up. A handler that fails is told of in `error`. */
export async function runUnit(
  parts: { readonly time: Time; readonly table: Registry },
  wish: RunWish,
): Promise<RunRecord> {
  const { unit, source, dueAt } = wish;
  const { time } = parts;
  const startedAt = time.now();
  const retry = unit.retry ?? { maxAttempts: 1 };
  const record = (more: Ending): RunRecord => {
    return { name: unit.name, source, dueAt, startedAt, durationMs: time.now() - startedAt, ...more };
  };
  for (let attempt = wish.attempt ?? 1; ; attempt++) {
    const context = contextOf(wish, attempt);
    try {
      const result = await callUnit(unit, wish, context);
      await told(parts.table, wish, { result, context });
      return record({ status: 'completed', attempts: attempt, result, error: null, errorName: null });
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      const failed = { status: 'failed', attempts: attempt, result: null, errorName: error.name } as const;
      if (wish.attempt !== undefined) return record({ ...failed, error: error.message });
      const isLast = attempt >= retry.maxAttempts || retry.neverOn?.includes(error.name) === true;
      if (isLast) {
        const more = await tellError(parts.table, error, context);
        return record({ ...failed, error: `${error.message}${more}` });
      }
      const isOver = await time.sleep(backoffMs(retry, attempt), wish.signal).then(
        () => false,
        () => true,
      );
      if (isOver) return record({ ...failed, error: error.message });
    }
  }
}

/** How long to wait before the run that follows this one; ms. */
export function backoffMs(retry: RetryOptions, attempt: number): number {
  const base = (retry.backoffSeconds ?? 60) * 1000;
  return Math.min(retry.backoff === 'exponential' ? base * 2 ** (attempt - 1) : base, maxBackoffMs);
}

function contextOf({ unit, source, dueAt, parameters, event, signal }: RunWish, attempt: number): RunContext {
  const about = { name: unit.name, source, at: new Date(dueAt), attempt, signal };
  return { ...about, parameters: parameters ?? {}, event: event ?? '' };
}

function callUnit(unit: Unit, wish: RunWish, context: RunContext): unknown {
  const fn = unit.fn as (...words: unknown[]) => unknown;
  return 'input' in wish ? fn(wish.input, context) : fn(context);
}

/** What is done with the result of a file is part of the run: when it fails, the run has failed. */
async function told(
  table: Registry,
  { source, input }: RunWish,
  { result, context }: { readonly result: unknown; readonly context: RunContext },
): Promise<void> {
  if (source !== 'file') return;
  for (const handler of table.onComplete) await handler(result, String(input), context);
}

/** Tells all handlers of `schedule.onError`. @returns what went wrong with that, to be put behind the error; `''`: nothing */
export async function tellError(table: Registry, error: Error, context: RunContext): Promise<string> {
  let more = '';
  for (const handler of table.onError) {
    try {
      await handler(error, context.name, context);
    } catch (thrown) {
      more += `; and onError failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    }
  }
  return more;
}
