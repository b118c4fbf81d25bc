import { closeSync, constants, existsSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { runningForMs, signalProcess } from '../../../pkg/process/proc.ts';
import type { StreamName, Usage } from '../../domain/task.ts';
import type { Run, RunEnd, RunProcess, StreamLoss } from '../executor.ts';
import type { RunProcesses } from '../shim/process-tree.ts';
import { type RunRecord, readExit, runFile, writtenAt } from '../shim/run-files.ts';
import { findInputReader, RunInput } from '../shim/run-input.ts';
import { looksKilled } from '../shim/run-oom.ts';
import { RunStreams } from '../shim/run-streams.ts';
import { sampleProcesses, UsageMeter } from '../shim/run-usage.ts';
import { sweepRun } from '../shim/sweep-run.ts';
import { watchRun } from '../shim/watch-run.ts';
import { wasOomKilledIn } from './container-oom.ts';
import { findContainerProcesses } from './container-processes.ts';
import { ContainerWatch, type WatchParts } from './container-watch.ts';
import { endContainer, signalAll } from './end-container.ts';

/** What makes a run known. */
export interface DockerRunParts extends Omit<WatchParts, 'bootId'> {
  readonly record: RunRecord;
  /** whether it was started just now, by this process */
  readonly isNew: boolean;
  /** told of what goes on behind a call, to be waited for before the process ends */
  readonly onWork: (work: Promise<void>) => void;
}

/** How long what has been killed, or told to let go, may take to say so; ms. */
const drainMs = 2_000;
/** For how long an engine that is away is asked again to end a run that cannot be ended without it; ms. */
const patienceMs = 60_000;

const nobody: RunProcesses = { scripts: [], keepers: [] };

/** A run in a container, seen through its directory, the processes of this machine, and the engine. */
export class DockerRun implements Run {
  readonly directory: string;
  readonly mailboxFile: string;
  readonly #parts: DockerRunParts;
  readonly #watch: ContainerWatch;
  readonly #streams: RunStreams;
  readonly #input: RunInput;
  readonly #usage: UsageMeter;
  readonly #startedAt: number | null;
  #end: RunEnd | null = null;
  #tidying: Promise<void> | null = null;

  constructor(parts: DockerRunParts) {
    const { clock, directory, record } = parts;
    this.directory = directory;
    this.mailboxFile = join(directory, runFile.mailbox);
    this.#parts = parts;
    this.#watch = new ContainerWatch({ ...parts, bootId: record.bootId });
    this.#streams = new RunStreams(directory);
    this.#usage = new UsageMeter(clock);
    const isOver = async () => (await this.ended()) !== null;
    const release = () => this.#releaseInput(isOver);
    this.#input = new RunInput({ clock, directory, input: record.input, isOver, release });
    const { init } = this.#watch;
    const ranMs = parts.isNew ? 0 : init === null ? null : runningForMs(init.pid);
    this.#startedAt = ranMs === null ? null : clock.monotonicMs() - ranMs;
  }

  /** Looks at the container once, so that its processes are known where they can be seen. */
  async look(): Promise<void> {
    await this.#watch.look();
  }

  async ended(): Promise<RunEnd | null> {
    this.#end ??= await this.#readEnd();
    if (this.#end === null && (await this.#watch.isGone())) {
      this.#end = (await this.#readEnd()) ?? (await this.#lost());
    }
    return this.#end;
  }

  async drained(): Promise<boolean> {
    if ((await this.ended()) === null) return false;
    const isDone = this.#has(runFile.drained) || (await this.#watch.isGone());
    if (isDone) void this.#tidy();
    return isDone;
  }

  size(stream: StreamName): Promise<number> {
    return this.#streams.size(stream);
  }

  read(stream: StreamName, offset: number, maxBytes: number, into?: Uint8Array): Promise<Uint8Array> {
    return this.#streams.read(stream, offset, maxBytes, into);
  }

  watch(listener: () => void): () => void {
    return watchRun(this.#parts.clock, this.directory, listener);
  }

  write(text: string): Promise<boolean> {
    return this.#input.write(text);
  }

  closeInput(): Promise<void> {
    return this.#input.close();
  }

  async interrupt(): Promise<void> {
    if (await this.#isOver()) return;
    if (this.#watch.isSeenAlive()) {
      for (const process of this.#find().scripts) {
        if (signalProcess(process, 'SIGTERM')) signalProcess(process, 'SIGCONT');
      }
      return;
    }
    await signalAll(this.#parts, ['TERM', 'CONT']);
  }

  async kill(): Promise<number> {
    const { clock } = this.#parts;
    let found = 0;
    if (this.#watch.isSeenAlive()) {
      const isDrained = () => this.#has(runFile.drained);
      found = await sweepRun({ clock, find: () => this.#find(), isDrained });
    } else if (!(await this.#isOver())) {
      found = (await this.processes()).length;
      await signalAll(this.#parts, ['KILL']);
    }
    // before the container is gone, and what the engine knows of it
    const until = clock.monotonicMs() + drainMs;
    while (!(await this.#isOver()) && clock.monotonicMs() < until) await clock.sleep(10);
    await this.ended();
    if (await this.#isOver()) await this.#tidy();
    else await endContainer(this.#parts, patienceMs);
    await this.#watch.look();
    await this.ended();
    this.#note(runFile.swept);
    return found;
  }

  async processes(): Promise<readonly RunProcess[]> {
    if (this.#watch.isSeenAlive()) {
      return this.#find().scripts.map(({ pid, startTicks, command }) => ({ pid, startTicks, command }));
    }
    if (await this.#isOver()) return [];
    const { engine, name } = this.#parts;
    const listed = await engine.processes(name).catch(() => []);
    const init = this.#watch.last?.pid ?? listed[0]?.pid;
    return listed.filter(({ pid }) => pid !== init).map((process) => ({ ...process, startTicks: 0 }));
  }

  async isReadingInput(): Promise<boolean | null> {
    if (this.#parts.record.input === 'none' || (await this.#isOver())) return false;
    return this.#watch.isSeenAlive() ? findInputReader(this.directory, this.#find().scripts) : null;
  }

  async usage(): Promise<Usage> {
    const { engine, name, record } = this.#parts;
    const end = await this.ended();
    const startedAt = writtenAt(this.directory, runFile.leader) ?? record.createdAt;
    const told = end === null && this.#usage.isDue() ? await engine.usage(name).catch(() => null) : null;
    return this.#usage.measure({
      startedAt,
      endedAt: end?.endedAt ?? null,
      ranMs: this.ranMs(),
      cpuMsAtEnd: readExit(this.directory)?.cpuMs ?? null,
      sample: () => told ?? sampleProcesses(this.#find().scripts),
    });
  }

  ranMs(): number | null {
    return this.#startedAt === null ? null : this.#parts.clock.monotonicMs() - this.#startedAt;
  }

  async losses(): Promise<readonly StreamLoss[]> {
    return this.#streams.losses();
  }

  #find(): RunProcesses {
    const { init } = this.#watch;
    return init === null ? nobody : findContainerProcesses(init, this.directory);
  }

  /** Whether nothing can run any more: all output is written, or the container has ended. */
  async #isOver(): Promise<boolean> {
    return this.#has(runFile.drained) || (await this.#watch.isGone());
  }

  async #readEnd(): Promise<RunEnd | null> {
    const exit = readExit(this.directory);
    if (exit === null) return null;
    const endedAt = Math.round(writtenAt(this.directory, runFile.exit) ?? this.#parts.clock.now());
    const { exitCode, signal } = exit;
    const oomKilled = looksKilled(exit) && (await wasOomKilledIn(this.#watch, this.#parts));
    return { exitCode, signal, endedAt, shimLost: false, oomKilled };
  }

  /** The container ended, or vanished, and its shim did not say how: all of it was killed at once. */
  async #lost(): Promise<RunEnd> {
    const oomKilled = await wasOomKilledIn(this.#watch, this.#parts);
    if (!this.#has(runFile.shimLost)) this.#note(runFile.shimLost);
    void this.#tidy();
    const endedAt = Math.round(writtenAt(this.directory, runFile.shimLost) ?? this.#parts.clock.now());
    return { exitCode: null, signal: oomKilled ? 'SIGKILL' : null, endedAt, shimLost: !oomKilled, oomKilled };
  }

  /** Removes the container, which is not needed any more; what fails is made good by the next agent. */
  #tidy(): Promise<void> {
    const { log, name, onWork } = this.#parts;
    this.#tidying ??= endContainer(this.#parts, 0).catch((error: unknown) =>
      log.debug('a container could not be removed yet', { container: name, error }),
    );
    onWork(this.#tidying);
    return this.#tidying;
  }

  /** Lets the process go that holds stdin open: it reads a line of a FIFO, for pids in the container are not ours. */
  async #releaseInput(isOver: () => Promise<boolean>): Promise<void> {
    const file = join(this.directory, 'pipes', 'hold');
    const until = this.#parts.clock.monotonicMs() + drainMs;
    // one that has only begun has looked for "input-closed" already, and does not read yet
    while (this.#has(runFile.holder) && !(await isOver()) && this.#parts.clock.monotonicMs() < until) {
      try {
        const pipe = openSync(file, constants.O_WRONLY | constants.O_NONBLOCK);
        writeSync(pipe, '\n');
        closeSync(pipe);
        return;
      } catch {
        await this.#parts.clock.sleep(5);
      }
    }
  }

  #has(name: string): boolean {
    return existsSync(join(this.directory, name));
  }

  #note(name: string): void {
    try {
      writeFileSync(join(this.directory, name), '', { mode: 0o600 });
    } catch {
      // the task deleted its run directory, or the disk is full: a note is not worth more
    }
  }
}
