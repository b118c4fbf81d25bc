import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import { isOutOfSight } from '../../../pkg/files/lacks-descriptors.ts';
import { oomKillsIn, removeControlGroup } from '../../../pkg/process/control-group.ts';
import { countOomKills } from '../../../pkg/process/oom.ts';
import { bootId, isAlive, type ProcessId, runningForMs, signalProcess } from '../../../pkg/process/proc.ts';
import { processTable } from '../../../pkg/process/process-table.ts';
import type { ProcessEnd } from '../../domain/outcome.ts';
import type { StreamName, Usage } from '../../domain/task.ts';
import type { Run, RunEnd, RunProcess, StreamLoss } from '../executor.ts';
import type { RunProcesses } from '../shim/process-tree.ts';
import {
  type RunRecord,
  readExit,
  readLeader,
  readProcessId,
  runFile,
  writtenAt,
} from '../shim/run-files.ts';
import { findInputReader, killHolder, RunInput } from '../shim/run-input.ts';
import { looksKilled, wasOomKilled } from '../shim/run-oom.ts';
import { RunStreams } from '../shim/run-streams.ts';
import { sampleProcesses, UsageMeter } from '../shim/run-usage.ts';
import { sweepRun } from '../shim/sweep-run.ts';
import { watchRun } from '../shim/watch-run.ts';
import { groupsOf } from './run-limits.ts';
import { findRunProcesses, withGroup } from './run-processes.ts';

/** What makes a run known. */
export interface LocalRunParts {
  readonly clock: Clock;
  readonly directory: string;
  readonly record: RunRecord;
  /** the shim, for when its own word cannot be read: not yet, or no file more may be opened; null when it is not known */
  readonly launched: ProcessId | null;
  /** the newest pid of the machine just before the start; null when it was found again */
  readonly newestPidBefore?: number | null;
}

/** For how long after a start the processes of a run are looked for among the newest pids alone; ms. */
const youngMs = 1_000;
/** How old a look at the machine may be where it only tells how a run does; ms. */
const sampleAgeMs = 250;

/** For how long those who were killed may take to leave their control group; ms. */
const maxLeavingMs = 1_000;

/** A run on this machine, seen through its directory. Holds no resource: it may be dropped at any time. */
export class LocalRun implements Run {
  readonly directory: string;
  readonly mailboxFile: string;
  readonly #clock: Clock;
  readonly #record: RunRecord;
  readonly #launched: ProcessId | null;
  readonly #newestPidBefore: number | null;
  readonly #youngUntil: number;
  /** monotonic ms; null when the script had ended before it was found again */
  readonly #startedAt: number | null;
  readonly #usage: UsageMeter;
  readonly #streams: RunStreams;
  readonly #input: RunInput;
  #end: RunEnd | null = null;
  #shimSeen: ProcessId | null = null;

  constructor(parts: LocalRunParts) {
    this.directory = parts.directory;
    this.mailboxFile = join(parts.directory, runFile.mailbox);
    this.#clock = parts.clock;
    this.#record = parts.record;
    this.#launched = parts.launched;
    this.#newestPidBefore = parts.newestPidBefore ?? null;
    this.#youngUntil = parts.clock.monotonicMs() + youngMs;
    this.#startedAt = this.#findStart(parts.newestPidBefore === undefined);
    this.#streams = new RunStreams(parts.directory);
    this.#input = new RunInput({
      clock: parts.clock,
      directory: parts.directory,
      input: parts.record.input,
      isOver: async () => (await this.ended()) !== null,
      release: async () => killHolder(parts.directory),
    });
    this.#usage = new UsageMeter(parts.clock);
  }

  async ended(): Promise<RunEnd | null> {
    this.#end ??= this.#readEnd() ?? (this.#shimIsGone() ? this.#lastWord() : null);
    return this.#end;
  }

  async drained(): Promise<boolean> {
    if (this.#has(runFile.drained)) return true;
    if ((await this.ended()) === null || !this.#shimIsGone()) return false;
    return this.#find().keepers.length === 0;
  }

  size(stream: StreamName): Promise<number> {
    return this.#streams.size(stream);
  }

  read(stream: StreamName, offset: number, maxBytes: number, into?: Uint8Array): Promise<Uint8Array> {
    return this.#streams.read(stream, offset, maxBytes, into);
  }

  watch(listener: () => void): () => void {
    return watchRun(this.#clock, this.directory, listener);
  }

  write(text: string): Promise<boolean> {
    return this.#input.write(text);
  }

  closeInput(): Promise<void> {
    return this.#input.close();
  }

  async interrupt(): Promise<void> {
    for (const process of this.#find().scripts) {
      if (signalProcess(process, 'SIGTERM')) signalProcess(process, 'SIGCONT');
    }
  }

  async kill(): Promise<number> {
    const found = await sweepRun({
      clock: this.#clock,
      find: () => this.#find(),
      isDrained: () => this.#has(runFile.drained),
    });
    this.#note(runFile.swept, '');
    await this.#removeGroup();
    return found;
  }

  /** Who was killed stays in its group until the kernel has put it away, which it does in its own time. */
  async #removeGroup(): Promise<void> {
    const groups = groupsOf(this.directory);
    const deadline = this.#clock.monotonicMs() + maxLeavingMs;
    for (;;) {
      removeControlGroup(groups);
      if (!groups.some((group) => existsSync(group)) || this.#clock.monotonicMs() > deadline) return;
      await this.#clock.sleep(10);
    }
  }

  async processes(): Promise<readonly RunProcess[]> {
    const young = this.#clock.monotonicMs() < this.#youngUntil ? this.#newestPidBefore : null;
    const { scripts } = this.#find(young);
    // nobody is in it any more, and it is nobody's business from now on
    if (scripts.length === 0 && this.#end !== null) removeControlGroup(groupsOf(this.directory));
    return scripts.map(({ pid, startTicks, command }) => ({ pid, startTicks, command }));
  }

  async isReadingInput(): Promise<boolean | null> {
    if (this.#record.input === 'none') return false;
    if (this.#record.bootId === null) return null;
    return findInputReader(this.directory, this.#find(null, sampleAgeMs).scripts);
  }

  async usage(): Promise<Usage> {
    const end = await this.ended();
    const startedAt = writtenAt(this.directory, runFile.leader) ?? this.#record.createdAt;
    return this.#usage.measure({
      startedAt,
      endedAt: end?.endedAt ?? null,
      ranMs: this.ranMs(),
      cpuMsAtEnd: readExit(this.directory)?.cpuMs ?? null,
      sample: () => sampleProcesses(this.#find(null, sampleAgeMs).scripts),
    });
  }

  ranMs(): number | null {
    return this.#startedAt === null ? null : this.#clock.monotonicMs() - this.#startedAt;
  }

  async losses(): Promise<readonly StreamLoss[]> {
    return this.#streams.losses();
  }

  #findStart(wasFound: boolean): number | null {
    const now = this.#clock.monotonicMs();
    if (!wasFound) return now;
    const leader = this.#record.bootId === bootId() ? readLeader(this.directory) : null;
    const ranMs = leader === null ? null : runningForMs(leader);
    return ranMs === null ? null : now - ranMs;
  }

  /** Everything, or only what belongs to the script when the run is young; see `newPids`. */
  #find(newestPidBefore: number | null = null, maxAgeMs = 0): RunProcesses {
    const found = findRunProcesses(processTable(this.#clock), {
      directory: this.directory,
      runId: this.#record.runId,
      bootId: this.#record.bootId,
      shim: this.#shim(),
      swept: this.#has(runFile.swept),
      newestPidBefore,
      maxAgeMs,
      startedAt: this.#startedAt,
    });
    return this.#record.bootId === bootId() ? withGroup(found, groupsOf(this.directory)) : found;
  }

  #shim(): ProcessId | null {
    this.#shimSeen ??= readProcessId(this.directory, runFile.shim);
    return this.#shimSeen ?? this.#launched;
  }

  #shimIsGone(): boolean {
    const shim = this.#shim();
    return shim === null || this.#record.bootId !== bootId() || !isAlive(shim);
  }

  #readEnd(): RunEnd | null {
    const exit = readExit(this.directory);
    if (exit === null) return null;
    const endedAt = writtenAt(this.directory, runFile.exit) ?? this.#clock.now();
    const end = { exitCode: exit.exitCode, signal: exit.signal };
    return { ...end, endedAt: Math.round(endedAt), shimLost: false, oomKilled: this.#wasOomKilled(end) };
  }

  /** What the shim, which is gone, has left; null when that cannot be looked at now, for want of descriptors. */
  #lastWord(): RunEnd | null {
    if (isOutOfSight(join(this.directory, runFile.exit))) return null;
    return this.#readEnd() ?? this.#shimLost();
  }

  /** Nobody saw the end: what is left of the run is ended too, so that it does not go on without a witness. */
  #shimLost(): RunEnd {
    if (!this.#has(runFile.shimLost)) {
      this.#note(runFile.shimLost, '');
      this.kill().catch(() => {});
    }
    const endedAt = writtenAt(this.directory, runFile.shimLost) ?? this.#clock.now();
    const end = { exitCode: null, signal: null, endedAt: Math.round(endedAt) };
    return { ...end, shimLost: true, oomKilled: false };
  }

  #wasOomKilled(end: ProcessEnd): boolean {
    const { oom, bootId: before } = this.#record;
    if (oom === null || !looksKilled(end) || before !== bootId()) return false;
    if ((oomKillsIn(groupsOf(this.directory)) ?? 0) > 0) return true;
    return wasOomKilled(end, oom, countOomKills(oom.file));
  }

  #has(name: string): boolean {
    return existsSync(join(this.directory, name));
  }

  #note(name: string, text: string): void {
    try {
      writeFileSync(join(this.directory, name), text, { mode: 0o600 });
    } catch {
      // the task deleted its run directory, or the disk is full: a note is not worth more
    }
  }
}
