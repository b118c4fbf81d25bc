import { join } from 'node:path';
import { readJsonFile, writeJsonFile } from '../../pkg/files/json-file.ts';
import { KerutaError } from '../domain/errors.ts';
import { resultFile } from './do-task.ts';
import { type Elsewhere, PlaceLost, type RunnerEnd, type RunnerJob } from './elsewhere/elsewhere.ts';
import { kindOfPhase, stopFault } from './fault.ts';
import type { JournalState } from './journal.ts';
import type { RunnerParts } from './run-parts.ts';
import {
  type RunnerConfig,
  type RunnerError,
  type RunnerResult,
  type RunnerTask,
  runnerPhases,
} from './runner.ts';
import { nameOutside } from './task-id.ts';

/** What a runner elsewhere is given besides the task; the rest is made here. */
export type ElsewhereWish = Pick<
  RunnerJob,
  'context' | 'config' | 'env' | 'words' | 'runDirectory' | 'shared' | 'readable' | 'masked' | 'output'
>;

/** What became of it. */
export interface ElsewhereResult {
  readonly result: RunnerResult;
  /** whether the runner there has printed just that */
  readonly isTold: boolean;
}

/** What is left to do when the time of the task is up is done there; who does not come to an end is ended from here; ms. */
const marginMs = 60_000;

/**
 * Has one task done elsewhere, by a runner of its own, and gives its result. What became of a task whose runner could not be started, or
 * left no result, is a result too: it is told to the registry, but not written down as the end of the task, which may be tried again.
 * @throws what the disk says when nothing can be written down
 */
export async function doElsewhere(
  parts: Pick<
    RunnerParts,
    'clock' | 'log' | 'directory' | 'artifactsDirectory' | 'signal' | 'speaker' | 'registry' | 'store'
  >,
  {
    task,
    config,
    place,
    wish,
  }: {
    readonly task: RunnerTask;
    readonly config: RunnerConfig;
    readonly place: Elsewhere;
    readonly wish: ElsewhereWish;
  },
): Promise<ElsewhereResult> {
  const { clock, directory } = parts;
  const file = join(directory, resultFile);
  const before = readJsonFile(file) as RunnerResult | null;
  if (before !== null) return { result: before, isTold: false };
  const beganAt = clock.now();
  const late = new AbortController();
  const timeoutMs = config.timeoutMs + marginMs;
  const cancelTimer = clock.after(place.startTimeoutMs + timeoutMs, () =>
    late.abort(new Error('the time of the task is up')),
  );
  let end: RunnerEnd | null = null;
  let error: RunnerError | null = null;
  try {
    end = await place.run({
      ...{ ...wish, directory, artifactsDirectory: parts.artifactsDirectory },
      ...{
        id: task.id,
        limits: config.limits,
        timeoutMs,
        signal: AbortSignal.any([parts.signal, late.signal]),
      },
    });
  } catch (thrown) {
    if (!(thrown instanceof KerutaError || thrown instanceof PlaceLost)) throw thrown;
    const kind = thrown instanceof PlaceLost ? 'RunnerError' : 'WorkspacePreparationError';
    error = { kind, message: thrown.message, details: [] };
  } finally {
    cancelTimer();
  }
  const result = readJsonFile(file) as RunnerResult | null;
  const memory = end?.wasOutOfMemory === true ? memoryText(config, place) : null;
  if (result !== null) {
    // who came to its end out of our sight was not heard
    if (memory === null || result.error === null) return { result, isTold: end !== null };
    const told = { ...result, error: { ...result.error, details: [memory, ...result.error.details] } };
    writeJsonFile(file, told, { isPlain: true, sync: true });
    return { result: told, isTold: false };
  }
  const journal = readJsonFile(join(directory, 'journal.json')) as JournalState | null;
  error =
    stopFault({ timeUp: late.signal, stop: parts.signal }, config) ??
    error ??
    brokenEnd(place, { end, memory, journal });
  const made = resultWithout(task, { error, journal, durationMs: clock.now() - beganAt });
  parts.speaker.ended(error.message, error.kind);
  await parts.registry
    ?.updateStatus(nameOutside(task), 'FAILED')
    .catch((fault: unknown) => parts.log.warn('the task registry does not answer', { error: String(fault) }));
  await keepResult(parts, task, made);
  return { result: made, isTold: false };
}

/** Puts a result among the artifacts that no runner could put there. */
async function keepResult(
  { directory, store, speaker, log }: Pick<RunnerParts, 'directory' | 'store' | 'speaker' | 'log'>,
  task: RunnerTask,
  result: RunnerResult,
): Promise<void> {
  // not the file by which a second start knows that the task has ended
  const file = join(directory, 'result-of-start.json');
  try {
    writeJsonFile(file, result, { isPlain: true });
    const { signal } = new AbortController();
    await store.upload({ taskId: nameOutside(task), type: 'result', name: resultFile, file, signal });
    speaker.artifact(file, resultFile, 'What the task came to');
  } catch (error) {
    log.warn('the result could not be kept', { error: String(error) });
  }
}

/** Exit status of a program that somebody killed: 128 + SIGKILL. */
const killed = 137;

/** What is to be said of a runner that ended and left no result. */
function brokenEnd(
  place: Elsewhere,
  {
    end,
    memory,
    journal,
  }: {
    readonly end: RunnerEnd | null;
    readonly memory: string | null;
    readonly journal: JournalState | null;
  },
): RunnerError {
  const ended = journal?.phases.map(({ phase }) => phase) ?? [];
  const phase = runnerPhases.find((one) => !ended.includes(one)) ?? 'report';
  const where = journal === null ? 'before it began' : `in the phase ${phase}`;
  const kind = journal === null ? 'WorkspacePreparationError' : kindOfPhase[phase];
  if (memory !== null) return { kind, message: `The runner ended ${where}: ${memory}`, details: [] };
  const how = end?.exitCode === killed ? 'was killed' : `ended with ${end?.exitCode ?? 'nothing'}`;
  const message = `The runner in ${place.name} ${how} ${where}, and left no result; what it printed says more.`;
  return { kind: journal === null ? kind : 'RunnerError', message, details: [] };
}

function memoryText({ limits }: RunnerConfig, place: Elsewhere): string {
  const limit =
    limits.memoryMb === null ? 'there is no max_memory_mb' : `max_memory_mb is ${limits.memoryMb}`;
  return `memory ran out in ${place.name}, and the system ended what took the most; ${limit}.`;
}

function resultWithout(
  task: RunnerTask,
  {
    error,
    journal,
    durationMs,
  }: { readonly error: RunnerError; readonly journal: JournalState | null; readonly durationMs: number },
): RunnerResult {
  return {
    ...{
      success: false,
      error,
      taskId: task.id,
      phases: journal?.phases ?? [],
      artifacts: journal?.artifacts ?? [],
    },
    ...{ branch: journal?.prepared?.branch ?? null, commit: journal?.committed?.commit ?? null },
    ...{ isPushed: (journal?.pushed ?? null) !== null, pullRequestUrl: journal?.pushed?.url ?? null },
    ...{ changes: journal?.committed?.changes ?? null, tests: journal?.tested ?? null, usage: null },
    ...{ durationMs: Math.max(0, durationMs), memoryMb: null, cpuPercent: null },
  };
}
