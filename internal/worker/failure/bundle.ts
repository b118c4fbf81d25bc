import { statfs } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import type { Git } from '../../../pkg/git/git.ts';
import { inspectUntrusted } from '../../../pkg/git/inspect.ts';
import type { EndReason, ProcessEnd } from '../../domain/outcome.ts';
import { type FailingCommand, findCommand } from './find-command.ts';
import { meaningOf } from './meaning.ts';

/** What is known about a failed run. Output is masked already; so must the bundle be, for the script's own text. */
export interface FailedRun extends ProcessEnd {
  readonly reason: EndReason | null;
  /** the last output; more than 200 lines are cut here */
  readonly stdoutTail: string;
  readonly stderrTail: string;
  /** absolute */
  readonly workingDirectory: string;
  readonly script: string;
  /** base name of the script's file; default `script` */
  readonly scriptName?: string;
  readonly signalToStop?: AbortSignal;
}

/** A failure, for the one who is to fix it. JSON-safe; at most about 150 KiB. */
export interface FailureBundle {
  readonly [key: string]: unknown;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly reason: EndReason | null;
  /** what the exit code or signal usually means; null when nothing in particular */
  readonly meaning: string | null;
  readonly failing: FailingCommand;
  readonly interpreter: string;
  /** oldest first; at most 200 lines each */
  readonly stdoutTail: readonly string[];
  readonly stderrTail: readonly string[];
  /** null when the working directory is no git work tree, or git did not tell */
  readonly git: GitFindings | null;
  readonly machine: MachineFindings;
}

/** Where the work tree stood. */
export interface GitFindings {
  readonly branch: string | null;
  readonly commit: string | null;
  /** at most 100 paths */
  readonly changes: readonly string[];
  /** `git diff --stat`, at most 100 lines */
  readonly diffStat: readonly string[];
}

/** The machine just after the failure; null where it does not tell. */
export interface MachineFindings {
  readonly diskFreeBytes: number | null;
  readonly diskTotalBytes: number | null;
  readonly memoryFreeBytes: number;
  readonly memoryTotalBytes: number;
}

const maxLines = 200;
const maxLineCharacters = 500;
const maxTailCharacters = 64 * 1024;
const maxGitLines = 100;
/** A look at the work tree must not hold up the report. */
const gitTimeoutMs = 5_000;

/** Gathers what is known about a failed run. Never fails: what cannot be found out is null. */
export async function failureBundle(parts: { readonly git: Git }, run: FailedRun): Promise<FailureBundle> {
  const [git, machine] = await Promise.all([
    gitFindings(parts.git, run).catch(() => null),
    machineFindings(run.workingDirectory),
  ]);
  const scriptNames = [run.scriptName ?? 'script'];
  return {
    exitCode: run.exitCode,
    signal: run.signal,
    reason: run.reason,
    meaning: meaningOf(run),
    failing: findCommand({ stderrTail: run.stderrTail, script: run.script, scriptNames }),
    interpreter: interpreterOf(run.script),
    stdoutTail: lastLines(run.stdoutTail),
    stderrTail: lastLines(run.stderrTail),
    git,
    machine,
  };
}

/** The last 200 lines, the newest 64 Ki characters of them; long ones are cut. */
export function lastLines(text: string): string[] {
  const lines = text
    .slice(-4 * maxTailCharacters)
    .replace(/\n$/, '')
    .split('\n')
    .slice(-maxLines)
    .map((line) => (line.length > maxLineCharacters ? `${line.slice(0, maxLineCharacters)}…` : line));
  let room = maxTailCharacters;
  const kept = lines.reverse().filter((line) => {
    room -= line.length + 1;
    return room >= 0;
  });
  return text === '' ? [] : kept.reverse();
}

function interpreterOf(script: string): string {
  return /^#!\s*([^\r\n]+)/.exec(script)?.[1]?.trim() ?? 'bash, else sh';
}

async function gitFindings(git: Git, run: FailedRun): Promise<GitFindings | null> {
  const found = await inspectUntrusted(git, {
    directory: run.workingDirectory,
    timeoutMs: gitTimeoutMs,
    ...(run.signalToStop === undefined ? {} : { signal: run.signalToStop }),
  });
  if (found === null) return null;
  return {
    branch: found.branch,
    commit: found.commit,
    changes: found.changes.slice(0, maxGitLines),
    diffStat: found.diffStat.split('\n').filter(Boolean).slice(-maxGitLines),
  };
}

async function machineFindings(directory: string): Promise<MachineFindings> {
  const disk = await statfs(directory).catch(() => null);
  return {
    diskFreeBytes: disk === null ? null : disk.bavail * disk.bsize,
    diskTotalBytes: disk === null ? null : disk.blocks * disk.bsize,
    memoryFreeBytes: freemem(),
    memoryTotalBytes: totalmem(),
  };
}
