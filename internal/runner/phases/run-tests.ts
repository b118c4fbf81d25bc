import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { closedDirectory } from '../../../pkg/files/closed-directory.ts';
import { FileRefusedError } from '../../../pkg/files/read-inside.ts';
import { parseJunit, type TestReport } from '../../../pkg/junit/junit.ts';
import { cutMiddle } from '../../../pkg/lines/cut-middle.ts';
import { keepEnds } from '../../../pkg/lines/keep-ends.ts';
import { memoryText } from '../../../pkg/process/confine.ts';
import { ProcessStartError } from '../../../pkg/process/run.ts';
import { runTree } from '../../../pkg/process/run-tree.ts';
import { detectTests } from '../../coder/detect-tests.ts';
import { readRootFiles } from '../../coder/root-files.ts';
import { maskBytes, type TaskRun, withLimits } from '../task-run.ts';
import type { Workplace } from './workplace.ts';

/** How the tests of a repository are run. */
export interface TestPlan {
  /** for a shell; for people and the coding agent too */
  readonly command: string;
  /** where the report of the JUnit kind will be: a path below a directory, through no link; null = there will be none */
  readonly report: { readonly root: string; readonly path: string } | null;
  /** what is run, with the place of the report in it */
  readonly line: string;
}

/** How one run of the tests went. */
export interface TestRun {
  readonly passed: boolean;
  /** the end of what was printed; masked */
  readonly output: string;
  /** why it did not pass, in a few words; `''` when it did */
  readonly why: string;
  readonly report: TestReport | null;
}

/** Files that are made by tests for people, in the directory of the runner. */
export const testFiles = { log: 'tests.log', report: 'test-report.xml' } as const;

/** Most that is kept of what tests print; bytes: its beginning and its end. */
const maxLogBytes = 8 * 1024 * 1024;
/** How much of it a coding agent gets to see; bytes. */
const maxFeedbackBytes = 32 * 1024;
/** A report that is larger is not read; bytes. */
const maxReportBytes = 64 * 1024 * 1024;

/** Finds out how tests are run: as configured, else by what stands in the root. @returns null = there are none */
export async function planTests(run: TaskRun, place: Workplace): Promise<TestPlan | null> {
  const { command, report } = run.config.tests;
  if (command === '') return null;
  if (command !== null)
    return { command, line: command, report: report === null ? null : { root: place.path, path: report } };
  if (run.task.kind === 'playbook') return null;
  const found = detectTests(await readRootFiles(closedDirectory({ root: place.path })));
  if (found === null) return null;
  if (found.commandWithReport === null) return { command: found.command, line: found.command, report: null };
  const own = { root: run.parts.directory, path: testFiles.report };
  const quoted = `'${join(own.root, own.path).replaceAll("'", `'\\''`)}'`;
  return {
    command: found.command,
    line: found.commandWithReport.replaceAll('{report}', quoted),
    report: own,
  };
}

/** Runs the tests once. What they print is shown, and kept with its beginning and its end. */
export async function runTests(run: TaskRun, place: Workplace, plan: TestPlan): Promise<TestRun> {
  const { parts, config } = run;
  mkdirSync(parts.directory, { recursive: true, mode: 0o700 });
  const reports = reportsOf(run, plan);
  await reports.forget();
  const printer = run.printer();
  const printed = keepTestOutput();
  let printing = Promise.resolve();
  const base = {
    clock: parts.clock,
    cwd: place.path,
    env: parts.commandEnv,
    signal: run.signal,
    ...withLimits(parts),
  };
  try {
    const ended = await runTree({
      ...base,
      command: 'sh',
      args: ['-c', plan.line],
      mark: { name: 'KERUTA_TEST_ID', value: parts.random.uuid4() },
      timeoutMs: config.tests.timeoutMs,
      onOutput: (stream, bytes) => {
        printed.add(bytes);
        printing = printing.then(() => printer.push(stream, bytes));
      },
    });
    await printing;
    await printer.end();
    const output = keepPrinted(run, printed);
    const report = await reports.take();
    const hasFailures = report !== null && report.failed + report.errors > 0;
    const lack = ended.outOfMemory ? memoryText(parts.confined) : null;
    const why = whyNot(ended, { timeoutMs: config.tests.timeoutMs, hasFailures, lack });
    return { passed: why === '', why, report, output };
  } catch (error) {
    if (!(error instanceof ProcessStartError)) throw error;
    return { passed: false, why: error.message, output: error.message, report: null };
  }
}

/** Takes what tests print, and keeps its beginning and its end. */
export const keepTestOutput = () => keepEnds(maxLogBytes, 0.5);

/** Puts it where people find it, masked. @returns the part of it that a coding agent gets to see */
export function keepPrinted(run: TaskRun, printed: ReturnType<typeof keepTestOutput>): string {
  const whole = maskBytes(run, printed.bytes());
  writeFileSync(join(run.parts.directory, testFiles.log), whole, { mode: 0o600 });
  return cutMiddle(whole.toString('utf8'), maxFeedbackBytes, 0.2);
}

function whyNot(
  {
    exitCode,
    signal,
    timedOut,
  }: { readonly exitCode: number | null; readonly signal: string | null; readonly timedOut: boolean },
  {
    timeoutMs,
    hasFailures,
    lack,
  }: { readonly timeoutMs: number; readonly hasFailures: boolean; readonly lack: string | null },
): string {
  if (timedOut) return `their time was up after ${Math.round(timeoutMs / 1000)} s`;
  if (lack !== null && exitCode !== 0) return lack;
  if (signal !== null) return `they were ended by ${signal}`;
  if (exitCode !== 0) return `exit status ${exitCode}`;
  return hasFailures ? 'exit status 0, and failures in their report' : '';
}

/** What tests report. Whoever worked on them had a say in what stands there: nothing is reached through a link. */
function reportsOf(run: TaskRun, { report }: TestPlan) {
  const own = closedDirectory({ root: run.parts.directory });
  const there = report === null ? null : closedDirectory({ root: report.root });
  return {
    /** One of an earlier round says nothing of this one. */
    forget: async () => {
      await ignoring(own.remove(testFiles.report));
      if (report !== null && there !== null) await ignoring(there.remove(report.path));
    },
    /** Reads it, and keeps it for people, masked: the work tree is given back before they look. */
    take: async (): Promise<TestReport | null> => {
      if (report === null || there === null) return null;
      const bytes = await ignoring(there.read(report.path, maxReportBytes));
      if (bytes === null) return null;
      const masked = maskBytes(run, bytes);
      const read = parseJunit(masked.toString('utf8'));
      if (read === null) await ignoring(own.remove(testFiles.report));
      else await ignoring(own.write(testFiles.report, masked));
      return read;
    },
  };
}

/** @returns null when it is refused: there is no report then */
async function ignoring<T>(doing: Promise<T>): Promise<T | null> {
  try {
    return await doing;
  } catch (error) {
    if (error instanceof FileRefusedError) return null;
    throw error;
  }
}
