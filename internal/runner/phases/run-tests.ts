import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { closedDirectory } from '../../../pkg/files/closed-directory.ts';
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
  /** absolute; where the report of the JUnit kind will be; null = there will be none */
  readonly reportFile: string | null;
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
    return { command, line: command, reportFile: report === null ? null : resolve(place.path, report) };
  if (run.task.kind === 'playbook') return null;
  const found = detectTests(await readRootFiles(closedDirectory({ root: place.path })));
  if (found === null) return null;
  if (found.commandWithReport === null)
    return { command: found.command, line: found.command, reportFile: null };
  const reportFile = join(run.parts.directory, testFiles.report);
  const quoted = `'${reportFile.replaceAll("'", `'\\''`)}'`;
  return { command: found.command, line: found.commandWithReport.replaceAll('{report}', quoted), reportFile };
}

/** Runs the tests once. What they print is shown, and kept with its beginning and its end. */
export async function runTests(run: TaskRun, place: Workplace, plan: TestPlan): Promise<TestRun> {
  const { parts, config } = run;
  if (plan.reportFile !== null) rmSync(plan.reportFile, { force: true });
  const printer = run.printer();
  const printed = keepEnds(maxLogBytes, 0.5);
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
    const whole = maskBytes(run, printed.bytes());
    mkdirSync(parts.directory, { recursive: true, mode: 0o700 });
    writeFileSync(join(parts.directory, testFiles.log), whole, { mode: 0o600 });
    const report = plan.reportFile === null ? null : readReport(plan.reportFile);
    // the work tree is given back before people look
    const kept = join(parts.directory, testFiles.report);
    if (report !== null && plan.reportFile !== null && plan.reportFile !== kept)
      copyFileSync(plan.reportFile, kept);
    const hasFailures = report !== null && report.failed + report.errors > 0;
    const lack = ended.outOfMemory ? memoryText(parts.confined) : null;
    const why = whyNot(ended, { timeoutMs: config.tests.timeoutMs, hasFailures, lack });
    return {
      passed: why === '',
      why,
      report,
      output: cutMiddle(whole.toString('utf8'), maxFeedbackBytes, 0.2),
    };
  } catch (error) {
    if (!(error instanceof ProcessStartError)) throw error;
    return { passed: false, why: error.message, output: error.message, report: null };
  }
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

function readReport(file: string): TestReport | null {
  try {
    const found = statSync(file);
    return found.isFile() && found.size <= maxReportBytes ? parseJunit(readFileSync(file, 'utf8')) : null;
  } catch {
    return null;
  }
}
