/** Runs the commands of steps as processes of this machine. */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Clock } from '../../pkg/clock/clock.ts';
import { type Confined, memoryText } from '../../pkg/process/confine.ts';
import { type LiveEnd, runLive } from '../../pkg/process/live.ts';
import { ProcessStartError } from '../../pkg/process/run.ts';
import { endProcesses } from '../../pkg/process/tree.ts';
import { collectArtifacts } from './collect-artifacts.ts';
import { maxOutputBytes, readOutputs } from './output-file.ts';
import type { Shell, StepCall, StepEnd, StepRunner } from './playbook.ts';
import { defaultShells } from './shell.ts';

/** What the commands of a run are run with. */
export interface LocalStepsParts {
  readonly clock: Clock;
  /** of the run */
  readonly runId: string;
  /** absolute; where the playbook runs */
  readonly workingDirectory: string;
  /** absolute; made when a step keeps something */
  readonly artifactsDirectory: string;
  /** absolute; private, made and emptied by its owner; files that steps write their outputs to */
  readonly scratchDirectory: string;
  /** the environment of every step */
  readonly env: Readonly<Record<string, string>>;
  /** gets what steps print, as it comes; reading goes on when it resolves. Must not reject. */
  readonly output: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => Promise<void>;
  /** @see CollectRequest.isPrivate */
  readonly isPrivate?: (path: string) => boolean;
  /** limits of each step and all that it starts; default: none */
  readonly confined?: Confined;
  /** between the request to end and the end by force; ms; default 5000 */
  readonly graceMs?: number;
}

/** Markers in the environment of steps, by which their processes are found. */
const [attemptMarker, runMarker] = ['KERUTA_STEP_ATTEMPT', 'KERUTA_PLAYBOOK_RUN'];
/** How long output of what was left in the background is waited for once it was ended; ms. */
const drainMs = 1_000;

/** Makes the runner of one run. */
export function makeLocalSteps(parts: LocalStepsParts): StepRunner {
  const { clock, graceMs = 5_000 } = parts;
  const drained: Promise<unknown>[] = [];
  const end = (marker: string) => endProcesses({ clock, marker, root: null, graceMs });
  return {
    run: (call) => runCall({ ...parts, graceMs }, call, (one) => void drained.push(one)),
    endLeftovers: async (attemptId) => {
      await end(`${attemptMarker}=${attemptId}`);
    },
    close: async () => {
      await end(`${runMarker}=${parts.runId}`);
      await Promise.race([Promise.all(drained), clock.sleep(drainMs)]);
    },
  };
}

type Ready = LocalStepsParts & { readonly graceMs: number };

async function runCall(
  parts: Ready,
  call: StepCall,
  left: (drained: Promise<unknown>) => void,
): Promise<StepEnd> {
  const directory = resolve(parts.workingDirectory, call.workdir);
  if (!isDirectory(directory)) return faulty(`expected a directory to run in, got none at ${directory}`);
  const outputFile = join(parts.scratchDirectory, `${call.attemptId}.outputs`);
  try {
    mkdirSync(parts.scratchDirectory, { recursive: true, mode: 0o700 });
    writeFileSync(outputFile, '', { mode: 0o600 });
  } catch (error) {
    return faulty(`cannot make the file of its outputs: ${(error as Error).message}`);
  }
  try {
    const end = await start(parts, call, { directory, outputFile });
    if (typeof end === 'string') return faulty(end);
    left(end.drained);
    return await endOf(parts, call, { end, directory, outputFile });
  } finally {
    rmSync(outputFile, { force: true });
  }
}

/** A value in its name may be anything, also what no name can be. */
function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** @returns why it could not be started, as a text */
async function start(
  parts: Ready,
  call: StepCall,
  place: { readonly directory: string; readonly outputFile: string },
): Promise<LiveEnd | string> {
  const env = {
    ...parts.env,
    ...call.env,
    KERUTA_OUTPUT: place.outputFile,
    [attemptMarker]: call.attemptId,
    [runMarker]: parts.runId,
  };
  const shells: readonly Shell[] = call.shell === null ? defaultShells : [call.shell];
  let fault = '';
  for (const [command, ...words] of shells) {
    try {
      return await runLive({
        clock: parts.clock,
        command,
        args: [...words, call.command],
        cwd: place.directory,
        env,
        marker: `${attemptMarker}=${call.attemptId}`,
        output: parts.output,
        timeoutMs: call.timeoutMs,
        graceMs: parts.graceMs,
        ...(parts.confined && { confined: parts.confined }),
        signal: call.signal,
      });
    } catch (error) {
      if (!(error instanceof ProcessStartError)) throw error;
      fault = startFault(command, error.code);
      if (error.code !== 'ENOENT') break;
    }
  }
  return fault;
}

function startFault(command: string, code: string): string {
  if (code === 'ENOENT')
    return `expected the program ${command}, got nothing; install it, or name another shell`;
  if (code === 'E2BIG')
    return 'its command and its variables are too large for the system; write them to a file';
  return `the program ${command} cannot be started (${code})`;
}

async function endOf(
  parts: Ready,
  call: StepCall,
  {
    end,
    directory,
    outputFile,
  }: { readonly end: LiveEnd; readonly directory: string; readonly outputFile: string },
): Promise<StepEnd> {
  const { files, notes } = await collectArtifacts({
    directory,
    artifactsDirectory: parts.artifactsDirectory,
    patterns: call.artifacts,
    ...(parts.isPrivate === undefined ? {} : { isPrivate: parts.isPrivate }),
  }).catch((error: Error) => ({ files: [], notes: [`artifacts: ${error.message}`] }));
  const { outputs = {}, fault } = readFile(outputFile);
  const whole = { exitCode: end.exitCode, signal: end.signal, outputs, artifacts: files, notes };
  if (end.stopped === 'signal') return { ...whole, reason: 'cancelled', message: '' };
  if (end.stopped === 'timeout') {
    const message = `its time was up: expected at most ${(call.timeoutMs ?? 0) / 1000} s`;
    return { ...whole, reason: 'timeout', message };
  }
  if (end.exitCode !== 0 && end.outOfMemory)
    return { ...whole, reason: null, message: memoryText(parts.confined) };
  if (end.exitCode !== 0) return { ...whole, reason: null, message: '' };
  const missing = call.outputs?.find((name) => !Object.hasOwn(outputs, name));
  const lack =
    missing === undefined ? null : `expected it to write the output ${missing} to $KERUTA_OUTPUT, got none`;
  const message = fault === undefined ? lack : `its outputs cannot be read: ${fault}`;
  return message === null ? { ...whole, reason: null, message: '' } : { ...whole, reason: 'fault', message };
}

function readFile(file: string): ReturnType<typeof readOutputs> {
  try {
    const { size } = statSync(file);
    if (size > maxOutputBytes) return { fault: `expected at most ${maxOutputBytes} bytes, got ${size}` };
    return readOutputs(readFileSync(file, 'utf8'));
  } catch (error) {
    return { fault: `the file is gone (${(error as NodeJS.ErrnoException).code ?? 'unknown'})` };
  }
}

function faulty(message: string): StepEnd {
  return { exitCode: null, signal: null, reason: 'fault', message, outputs: {}, artifacts: [], notes: [] };
}
