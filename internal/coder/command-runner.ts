import type { Clock } from '../../pkg/clock/clock.ts';
import { keepEnds } from '../../pkg/lines/keep-ends.ts';
import { type Confined, memoryText } from '../../pkg/process/confine.ts';
import { ProcessStartError } from '../../pkg/process/run.ts';
import { runTree } from '../../pkg/process/run-tree.ts';
import type { Random } from '../../pkg/random/random.ts';

/** Runs a command line for a model. Whoever passes it in decides where, as whom and with which environment. */
export type CommandRunner = (call: {
  /** for a shell; runs in the slot */
  readonly command: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}) => Promise<CommandOutcome>;

/** How a command ended. */
export interface CommandOutcome {
  /** null when a signal ended it, or its time was up */
  readonly exitCode: number | null;
  /** both streams as they came; the beginning and the end of it when it was long */
  readonly output: string;
  readonly timedOut: boolean;
}

/** What {@link shellRunner} needs. */
export interface ShellRunnerParts {
  readonly clock: Clock;
  readonly random: Random;
  /** absolute */
  readonly workingDirectory: string;
  /** the whole environment; leave out what a model is not to know, and leave in KERUTA_RUN_ID, by which the run is ended as a whole */
  readonly env: Readonly<Record<string, string>>;
  /** limits of each command and all that it starts; default: none */
  readonly confined?: Confined;
  /** bytes kept of the output: a quarter from its beginning, the rest from its end; default 64 KiB */
  readonly maxOutputBytes?: number;
}

/** Makes a runner that uses `sh` on this machine; a command dies with all that it started. */
export function shellRunner(parts: ShellRunnerParts): CommandRunner {
  const { clock, random, workingDirectory, env, maxOutputBytes = 64 * 1024 } = parts;
  return async ({ command, timeoutMs, signal }) => {
    const output = keepEnds(maxOutputBytes, 0.25);
    const { confined } = parts;
    const base = { clock, cwd: workingDirectory, env, timeoutMs, signal, ...(confined && { confined }) };
    const mark = { name: 'KERUTA_TOOL_ID', value: random.uuid4() };
    const onOutput = (_stream: string, bytes: Buffer) => output.add(bytes);
    try {
      const ended = await runTree({ ...base, command: 'sh', args: ['-c', command], mark, onOutput });
      const { exitCode, timedOut } = ended;
      if (ended.outOfMemory) output.add(Buffer.from(`\n[${memoryText(confined)}]\n`));
      return { exitCode: timedOut ? null : exitCode, output: output.bytes().toString('utf8'), timedOut };
    } catch (error) {
      if (!(error instanceof ProcessStartError)) throw error;
      return { exitCode: 127, output: `${error.message}\n`, timedOut: false };
    }
  };
}
