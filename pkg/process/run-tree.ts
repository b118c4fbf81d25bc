/** Runs a program of any length with all that it starts, and ends all of it. */
import type { Clock } from '../clock/clock.ts';
import type { Confined } from './confine.ts';
import { runLive } from './live.ts';

/** What to run. */
export interface TreeCall {
  /** program; looked up in the PATH of `env` when it has no slash */
  readonly command: string;
  readonly args: readonly string[];
  /** absolute; must exist */
  readonly cwd: string;
  /** the whole environment; nothing is inherited */
  readonly env: Readonly<Record<string, string>>;
  /** an entry that is added to the environment, by which its processes are known; its value is used for nothing else */
  readonly mark: { readonly name: string; readonly value: string };
  /** default: empty */
  readonly stdin?: string;
  /** wall time until all of it is ended; > 0 */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** limits of all of it; default: none */
  readonly confined?: Confined;
  readonly clock: Clock;
  /** called with each piece, in order within a stream; the bytes may be kept. Must not throw */
  readonly onOutput: (stream: 'stdout' | 'stderr', bytes: Buffer) => void;
}

/** How it ended. A non-zero exit is a value, not an error. */
export interface TreeResult {
  /** null when a signal ended it */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  /** whether something of it was ended because memory ran out */
  readonly outOfMemory: boolean;
  /** processes that were still there when the program had ended; they are gone now */
  readonly leftBehind: number;
}

/** How long it has between SIGTERM and SIGKILL, when its time is up or it is aborted; ms. */
const graceMs = 2_000;
/** How long output is waited for when everything has ended: somebody else may hold the pipes; ms. */
const drainMs = 2_000;

/**
 * Runs a program and waits for its end; then everything that it started is ended too. Output is handed on as it comes and never gathered.
 * @throws {ProcessStartError}; the signal's reason when it is aborted (all of it is gone by then)
 */
export async function runTree(call: TreeCall): Promise<TreeResult> {
  const { mark, clock, signal = new AbortController().signal } = call;
  signal.throwIfAborted();
  const end = await runLive({
    clock,
    command: call.command,
    args: call.args,
    cwd: call.cwd,
    env: { ...call.env, [mark.name]: mark.value },
    marker: `${mark.name}=${mark.value}`,
    stdin: call.stdin ?? '',
    output: async (stream, bytes) => call.onOutput(stream, Buffer.from(bytes)),
    timeoutMs: call.timeoutMs,
    graceMs,
    ...(call.confined === undefined ? {} : { confined: call.confined }),
    signal,
  });
  const leftBehind = await end.endRest();
  await Promise.race([end.drained, clock.sleep(drainMs)]);
  signal.throwIfAborted();
  return {
    exitCode: end.exitCode,
    signal: end.signal,
    timedOut: end.stopped === 'timeout',
    outOfMemory: end.outOfMemory,
    leftBehind,
  };
}
