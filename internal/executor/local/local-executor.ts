/** Runs scripts on this machine, each under a shim of its own; see shim-script.ts. */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import { removeControlGroup } from '../../../pkg/process/control-group.ts';
import { bootId, newestPid, type ProcessId } from '../../../pkg/process/proc.ts';
import type { Executor, KnownRun, Run, RunSpec } from '../executor.ts';
import { ExecutorWork } from '../shim/executor-work.ts';
import { prepareScript } from '../shim/interpreter.ts';
import { marker } from '../shim/process-tree.ts';
import { hasTraces, readProcessId, readRunRecord, recordOfKnown, runFile } from '../shim/run-files.ts';
import { shimScript } from '../shim/shim-script.ts';
import { checkWorkingDirectory, withoutSpace, writeRun } from '../shim/write-run.ts';
import { type Launch, launchRun, type ShimPlace } from './launch.ts';
import { LocalRun } from './local-run.ts';
import { type Nursery, newSpareDirectory, openNursery, removeOldSpares, type Spare } from './nursery.ts';
import { findShimPrograms } from './programs.ts';
import { groupsOf, limitRun, type RunLimits } from './run-limits.ts';

/** What the local executor needs. */
export interface LocalExecutorOptions {
  readonly clock: Clock;
  /** a directory of its own, on the file system of the runs; absolute; made when missing, 0700 */
  readonly stateDirectory: string;
  /** shell of the shims, program and arguments; default: bash, else sh */
  readonly shell?: readonly string[];
  /** file mode mask of the scripts; default: this process's own */
  readonly umask?: number;
  /** of each run; default: none */
  readonly limits?: RunLimits;
}

/** How long a run that was just started may take to say so; ms. */
const claimMs = 2000;

/** Makes the local executor. Nothing happens before the first call. */
export function makeLocalExecutor(options: LocalExecutorOptions): Executor {
  return new LocalExecutor(options);
}

class LocalExecutor implements Executor {
  readonly #clock: Clock;
  readonly #stateDirectory: string;
  readonly #place: ShimPlace;
  readonly #limits: RunLimits | null;
  readonly #work: ExecutorWork;
  /** runs whose shim has not said yet who it is */
  readonly #launched = new Map<string, LocalRun>();
  #nursery: Nursery | null = null;
  #spare: Spare | null = null;
  #isTidied = false;
  #closed = false;

  constructor(options: LocalExecutorOptions) {
    this.#clock = options.clock;
    this.#work = new ExecutorWork(options.clock);
    this.#stateDirectory = options.stateDirectory;
    this.#limits = options.limits ?? null;
    const version = createHash('sha256').update(shimScript).digest('hex').slice(0, 8);
    this.#place = {
      programs: findShimPrograms(options.shell),
      shimFile: join(options.stateDirectory, `shim-${version}.sh`),
      umask: options.umask ?? process.umask(),
    };
  }

  start(spec: RunSpec): Promise<Run> {
    return this.#work.start(spec.directory, () => this.#start(spec));
  }

  async attach(directory: string, known?: KnownRun): Promise<Run | null> {
    const record = readRunRecord(directory) ?? recordOfKnown(directory, known);
    if (record === null) return null;
    for (;;) {
      const claimed = readProcessId(directory, runFile.shim);
      const launched = this.#launched.get(directory);
      if (claimed !== null) this.#launched.delete(directory);
      if (launched !== undefined) return launched;
      if (claimed !== null) return new LocalRun({ clock: this.#clock, directory, record, launched: claimed });
      const ageMs = this.#clock.now() - record.createdAt;
      if (ageMs < 0 || ageMs >= claimMs) {
        // one that has begun and cannot be told apart any more is a run without a shim: what is left of it is to be ended
        const hasBegun = existsSync(join(directory, runFile.shim));
        return hasBegun ? new LocalRun({ clock: this.#clock, directory, record, launched: null }) : null;
      }
      await this.#clock.sleep(10);
    }
  }

  async isUntouched(directory: string): Promise<boolean> {
    const record = readRunRecord(directory);
    // after a crash of the machine a file that is not there proves nothing
    if (record !== null && record.bootId !== bootId()) return false;
    return !hasTraces(directory);
  }

  prepare(): void {
    if (this.#closed || this.#spare?.isReady()) return;
    this.#spare?.discard();
    this.#spare = null;
    try {
      this.#prepareState();
      if (!this.#isTidied) removeOldSpares(this.#stateDirectory);
      this.#isTidied = true;
      const directory = newSpareDirectory(this.#stateDirectory);
      if (!this.#nursery?.isOpen()) this.#nursery = openNursery(this.#place, this.#stateDirectory);
      this.#spare = this.#nursery?.order(directory) ?? null;
    } catch {
      // a full disk or a deleted directory: the next start tells, with its own message
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#spare?.discard();
    this.#spare = null;
    this.#nursery?.close();
  }

  async #start(spec: RunSpec): Promise<Run> {
    const before = await this.attach(spec.directory);
    if (before !== null) return before;
    checkWorkingDirectory(spec);
    const { path, workingDirectory } = { path: spec.env.PATH, workingDirectory: spec.workingDirectory };
    const prepared = prepareScript(spec.script, { path, workingDirectory });
    try {
      const record = writeRun({ clock: this.#clock, spec, script: prepared, container: null });
      this.#prepareState();
      const through = this.#limits === null ? [] : limitRun(spec.directory, this.#limits);
      const newestPidBefore = newestPid();
      const launched = this.#launch({
        directory: spec.directory,
        workingDirectory,
        input: spec.input,
        command: [...through, ...prepared.interpreter, join(spec.directory, runFile.script)],
        env: { ...spec.env, [marker]: spec.runId },
      });
      const run = new LocalRun({
        clock: this.#clock,
        directory: spec.directory,
        record,
        launched,
        newestPidBefore,
      });
      this.#launched.set(spec.directory, run);
      this.#forgetClaimed(spec.directory);
      return run;
    } catch (error) {
      rmSync(join(spec.directory, runFile.spec), { force: true });
      removeControlGroup(groupsOf(spec.directory));
      throw withoutSpace(error, spec.directory);
    }
  }

  #launch(launch: Launch): ProcessId {
    const used = this.#spare?.use(launch) ?? null;
    if (used !== null) {
      this.#spare = null;
      return used;
    }
    return launchRun(this.#place, launch);
  }

  /** Makes the state directory and the shim's file, also when a task has deleted them. */
  #prepareState(): void {
    if (existsSync(this.#place.shimFile)) return;
    mkdirSync(this.#stateDirectory, { recursive: true, mode: 0o700 });
    chmodSync(this.#stateDirectory, 0o700);
    writeFileSync(this.#place.shimFile, shimScript, { mode: 0o600 });
  }

  /** Forgets runs whose shim has said who it is, or whose directory was cleared since. */
  #forgetClaimed(except: string): void {
    for (const directory of this.#launched.keys()) {
      const isWaiting =
        !existsSync(join(directory, runFile.shim)) && existsSync(join(directory, runFile.spec));
      if (directory !== except && !isWaiting) this.#launched.delete(directory);
    }
  }
}
