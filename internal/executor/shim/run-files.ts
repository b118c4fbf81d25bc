/** The files of a local run: one directory is the whole truth about one run. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type ProcessId, parseStat } from '../../../pkg/process/proc.ts';
import type { ProcessEnd } from '../../domain/outcome.ts';
import type { KnownRun } from '../executor.ts';

/** Names inside the directory. What the shim writes is named in shim-script.ts too. */
export const runFile = {
  /** what was started; see RunRecord */
  spec: 'spec.json',
  script: 'script',
  stdout: 'stdout',
  stderr: 'stderr',
  mailbox: 'mailbox',
  /** directory of the FIFOs; apart, so that a watch of the run does not see every single write */
  pipes: 'pipes',
  stdin: 'pipes/stdin',
  /** FIFO in the directory of a spare, from which it reads whether it has a run */
  go: 'go',
  /** /proc/PID/stat of a spare, once it waits */
  ready: 'ready',
  /** there when a spare is not wanted any more */
  over: 'over',
  /** /proc/PID/stat of the shim at its start */
  shim: 'shim',
  /** /proc/PID/stat of the first process of the run's container, as the agent's machine sees it; written by the agent */
  init: 'init',
  /** what the shell of a container runs: the shim, which takes its environment first */
  containerShim: 'shim.sh',
  /** the environment as shell text, for a shim that takes it from a file; emptied once it is read */
  environment: 'environment',
  /** directories of the control group of a run with limits, a line each; written by the agent */
  groups: 'groups',
  /** pid of the script's own process */
  leader: 'leader',
  /** /proc/PID/stat of the process that keeps stdin open */
  holder: 'holder',
  /** there once stdin was closed */
  inputClosed: 'input-closed',
  /** how the script ended, and the shim's `times`, closed by a line of one dot */
  exit: 'exit',
  /** there once nobody can write output any more */
  drained: 'drained',
  /** output that could not be kept: lines of stream, offset, cause */
  loss: 'loss',
  /** there once the kernel was found to have taken a process of the run's container for want of memory */
  oomKilled: 'oom-killed',
  /** directory with what the agent and the pod of a run tell each other by files */
  pod: 'pod',
  /** why the pod of a run is gone, in one word, where that was seen; written by the agent */
  podGone: 'pod-gone',
  /** there once the shim was found dead without an `exit` */
  shimLost: 'shim-lost',
  /** there once everything that the run started had been ended */
  swept: 'swept',
} as const;

/** `spec.json`: what was started. Never holds values of the environment. */
export const runRecordShape = z.object({
  version: z.literal(1),
  runId: z.string(),
  workingDirectory: z.string(),
  input: z.enum(['none', 'wait']),
  interpreter: z.array(z.string()),
  /** names only */
  env: z.array(z.string()),
  /** null where the machine does not tell */
  bootId: z.string().nullable(),
  /** epoch ms */
  createdAt: z.number(),
  /** how often the kernel had taken a process when the run began; left out by older versions */
  oom: z
    .object({ file: z.string().nullable(), group: z.number().nullable(), machine: z.number().nullable() })
    .nullable()
    .default(null),
  /** name of the container it runs in; null: on the machine itself */
  container: z.string().nullable().default(null),
  /** name of the Kubernetes job it runs in; null: in none */
  job: z.string().nullable().default(null),
});
/** @see runRecordShape */
export type RunRecord = Readonly<z.infer<typeof runRecordShape>>;

/** Reads a small file; null when it is not there. */
export function readRunFile(directory: string, name: string): string | null {
  const path = join(directory, name);
  // the end of a run is looked for often, and mostly not there: an error costs more than all else
  if (!existsSync(path)) return null;
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** When a file was last written; epoch ms; null when it is not there. */
export function writtenAt(directory: string, name: string): number | null {
  return statSync(join(directory, name), { throwIfNoEntry: false })?.mtimeMs ?? null;
}

/** Reads `spec.json`; null when there is none or it was not written to its end. */
export function readRunRecord(directory: string): RunRecord | null {
  const text = readRunFile(directory, runFile.spec);
  if (text === null) return null;
  try {
    return runRecordShape.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/**
 * A record made of what the caller knows, for when the run's own cannot be read any more; null: nothing has begun. A record that is damaged does
 * not hide a run that has begun, whose processes would go on unseen.
 */
export function recordOfKnown(directory: string, known: KnownRun | undefined): RunRecord | null {
  if (known === undefined || !existsSync(join(directory, runFile.shim))) return null;
  const { runId, workingDirectory, input, bootId: before, startedAt } = known;
  const rest = { interpreter: [], env: [], createdAt: startedAt, oom: null, container: null, job: null };
  return { version: 1, runId, workingDirectory, input, bootId: before, ...rest };
}

/** Whether a shim has left anything in a directory. */
export function hasTraces(directory: string): boolean {
  const traces = [runFile.shim, runFile.leader, runFile.holder, runFile.exit, runFile.drained];
  return traces.some((name) => existsSync(join(directory, name)));
}

/**
 * Who a process said it is: a line of /proc/PID/stat, or a bare pid where there is no /proc; null when it did not.
 * Pids up to 1 are nobody of ours: session 0 is that of processes whose leader is out of sight.
 */
export function readProcessId(directory: string, name: string): ProcessId | null {
  const line = readRunFile(directory, name);
  if (line === null || !line.endsWith('\n')) return null;
  const stat = parseStat(line);
  const id = stat ?? (/^\d{1,10}\n$/.test(line) ? { pid: Number(line), startTicks: null } : null);
  return id === null || id.pid <= 1 ? null : { pid: id.pid, startTicks: id.startTicks };
}

/** Pid of the script's own process; null before it has one. */
export function readLeader(directory: string): number | null {
  const text = readRunFile(directory, runFile.leader);
  return text !== null && /^\d{1,10}\n$/.test(text) ? Number(text) : null;
}

/** What the shim wrote at the end. */
export interface ExitRecord extends ProcessEnd {
  /** user and system time of the script and the children it waited for; ms; null when the shell did not tell */
  readonly cpuMs: number | null;
}

/** Reads how the script ended; null when that is not written yet, or cannot be read. */
export function readExit(directory: string): ExitRecord | null {
  const text = readRunFile(directory, runFile.exit);
  return text === null ? null : parseExit(text);
}

/** Reads the text of `exit`; null when it is not complete, or is none that a shell writes. */
export function parseExit(text: string): ExitRecord | null {
  const match = /^(code|signal) (\d{1,3})\n([\s\S]*)\.\n$/.exec(text);
  if (!match) return null;
  const [, kind, number = '', times = ''] = match;
  const code = Number(number);
  if (code > 255 || (kind === 'signal' && code <= 128)) return null;
  const end =
    kind === 'signal' ? { exitCode: null, signal: signalName(code - 128) } : { exitCode: code, signal: null };
  return { ...end, cpuMs: childCpuMs(times) };
}

function signalName(number: number): string {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] ?? `SIG${number}`;
}

/** Reads the second line of `times`, such as `0m1.250s 0m0.030s`: user and system time of the children. */
function childCpuMs(times: string): number | null {
  const parts = [...(times.split('\n')[1] ?? '').matchAll(/(\d{1,9})m(\d{1,9})(?:[.,](\d{1,9}))?s/g)];
  if (parts.length !== 2) return null;
  const seconds = parts.map(([, m, s, f]) => Number(m) * 60 + Number(`${s}.${f ?? 0}`));
  return Math.round(seconds.reduce((sum, value) => sum + value, 0) * 1000);
}
