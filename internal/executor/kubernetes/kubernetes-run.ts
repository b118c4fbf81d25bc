import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../../../pkg/kubernetes/cluster.ts';
import type { StreamName, Usage } from '../../domain/task.ts';
import type { Run, RunEnd, RunProcess, StreamLoss } from '../executor.ts';
import { type RunRecord, readExit, runFile, writtenAt } from '../shim/run-files.ts';
import { looksKilled } from '../shim/run-oom.ts';
import { RunStreams } from '../shim/run-streams.ts';
import { UsageMeter } from '../shim/run-usage.ts';
import { watchRun } from '../shim/watch-run.ts';
import { endJob } from './end-job.ts';
import { PodInput, PodLine, sampleOf } from './pod-files.ts';
import { RunWatch, type RunWatchParts } from './run-watch.ts';

/** What makes a run known. */
export interface KubernetesRunParts extends RunWatchParts {
  readonly cluster: Cluster;
  readonly record: RunRecord;
  /** whether it was started just now, by this process */
  readonly isNew: boolean;
  /** told of what goes on behind a call, to be waited for before the process ends */
  readonly onWork: (work: Promise<void>) => void;
}

/** How long what has been killed may take to say so; ms. */
const drainMs = 3_000;
/** How long the last file of a pod that is gone may take to be seen here; ms. */
const seenMs = 2_000;
/** How long a pod may take to say that memory was short, after its script was killed; ms. */
const oomMs = 2_000;
/** For how long a cluster that is away is asked again to end a run; ms. */
const patienceMs = 60_000;
const againMs = 20;

/** A run in a pod, seen through its directory on the shared volume, and the cluster. */
export class KubernetesRun implements Run {
  readonly directory: string;
  readonly mailboxFile: string;
  readonly #parts: KubernetesRunParts;
  readonly #watch: RunWatch;
  readonly #streams: RunStreams;
  readonly #line: PodLine;
  readonly #input: PodInput;
  readonly #usage: UsageMeter;
  readonly #startedAt: number | null;
  #end: RunEnd | null = null;
  #isKilled = false;
  #tidying: Promise<void> | null = null;

  constructor(parts: KubernetesRunParts) {
    const { clock, directory, record, isNew } = parts;
    this.directory = directory;
    this.mailboxFile = join(directory, runFile.mailbox);
    this.#parts = parts;
    this.#watch = new RunWatch(parts);
    this.#streams = new RunStreams(directory);
    this.#usage = new UsageMeter(clock);
    this.#line = new PodLine({ clock, directory, isOver: () => this.#isOver() });
    const isOver = async () => (await this.ended()) !== null;
    this.#input = new PodInput({ clock, directory, input: record.input, isOver });
    this.#startedAt = isNew ? clock.monotonicMs() : null;
  }

  async ended(): Promise<RunEnd | null> {
    this.#end ??= await this.#readEnd();
    if (this.#end === null && (await this.#watch.isGone())) {
      this.#end = (await this.#waitForEnd()) ?? this.#lost();
    }
    return this.#end;
  }

  async drained(): Promise<boolean> {
    if ((await this.ended()) === null) return false;
    const isDone = await this.#isOver();
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
    const stopFiles = watchRun(this.#parts.clock, this.directory, listener);
    const stopPods = this.#parts.watch.listen(listener);
    return () => {
      stopFiles();
      stopPods();
    };
  }

  write(text: string): Promise<boolean> {
    return this.#input.write(text);
  }

  closeInput(): Promise<void> {
    return this.#input.close();
  }

  async interrupt(): Promise<void> {
    if (await this.#isOver()) return;
    const { log, job } = this.#parts;
    const asked = await this.#line.ask('end');
    if (asked === null && !(await this.#isOver())) log.warn('a pod did not take the request to end', { job });
  }

  async kill(): Promise<number> {
    const { clock } = this.#parts;
    this.#isKilled = true;
    const killed = (await this.#isOver()) ? [] : await this.#line.ask('kill');
    // before the pod is gone, and what is still in its pipes
    const until = clock.monotonicMs() + drainMs;
    while (killed !== null && !(await this.#isOver()) && clock.monotonicMs() < until) {
      await clock.sleep(againMs);
    }
    // a pod that does not listen any more goes with its job
    const found = killed?.length ?? ((await this.#isOver()) ? 0 : 1);
    if (await this.#isOver()) await this.ended();
    await endJob(this.#parts, patienceMs);
    await this.#watch.look();
    await this.ended();
    this.#note(runFile.swept);
    return found;
  }

  async processes(): Promise<readonly RunProcess[]> {
    const found = (await this.#isOver()) ? null : await this.#line.ask('list');
    return (found ?? []).map(({ pid, startTicks, command }) => ({ pid, startTicks, command }));
  }

  async isReadingInput(): Promise<boolean | null> {
    if (this.#parts.record.input === 'none' || (await this.#isOver())) return false;
    const answer = await this.#line.askForReader();
    return answer === null && (await this.#isOver()) ? false : answer;
  }

  async usage(): Promise<Usage> {
    const end = await this.ended();
    const isDue = end === null && this.#usage.isDue();
    const sample = isDue ? sampleOf((await this.#line.ask('list')) ?? []) : null;
    return this.#usage.measure({
      startedAt: writtenAt(this.directory, runFile.leader) ?? this.#parts.record.createdAt,
      endedAt: end?.endedAt ?? null,
      ranMs: this.ranMs(),
      cpuMsAtEnd: readExit(this.directory)?.cpuMs ?? null,
      sample: () => sample,
    });
  }

  ranMs(): number | null {
    return this.#startedAt === null ? null : this.#parts.clock.monotonicMs() - this.#startedAt;
  }

  async losses(): Promise<readonly StreamLoss[]> {
    return this.#streams.losses();
  }

  /** Whether nothing can run any more: all output is written, or the pod has ended. */
  async #isOver(): Promise<boolean> {
    return this.#has(runFile.drained) || (await this.#watch.isGone());
  }

  async #readEnd(): Promise<RunEnd | null> {
    const exit = readExit(this.directory);
    if (exit === null) return null;
    const endedAt = Math.round(writtenAt(this.directory, runFile.exit) ?? this.#parts.clock.now());
    const oomKilled = looksKilled(exit) && !this.#isKilled && (await this.#wasMemoryShort());
    const { exitCode, signal } = exit;
    return { exitCode, signal, endedAt, shimLost: false, oomKilled };
  }

  /** The pod counts what the kernel took, and the cluster says it of a container that was taken as a whole. */
  async #wasMemoryShort(): Promise<boolean> {
    const { clock } = this.#parts;
    const isSaid = () => this.#has(runFile.oomKilled) || this.#watch.cause === 'oom';
    const until = clock.monotonicMs() + oomMs;
    while (!isSaid() && !(await this.#watch.isGone()) && clock.monotonicMs() < until)
      await clock.sleep(againMs);
    return isSaid();
  }

  /** The end of a pod that is gone, which may be written and not seen here yet. */
  async #waitForEnd(): Promise<RunEnd | null> {
    const { clock } = this.#parts;
    const until = clock.monotonicMs() + (this.#has(runFile.shimLost) ? 0 : seenMs);
    for (;;) {
      const end = await this.#readEnd();
      if (end !== null || clock.monotonicMs() >= until || this.#watch.cause === 'oom') return end;
      await clock.sleep(againMs);
    }
  }

  /** The pod ended, or vanished, and its shim did not say how: all of it was killed at once. */
  #lost(): RunEnd {
    const { cause } = this.#watch;
    if (!this.#has(runFile.shimLost)) this.#note(runFile.shimLost);
    void this.#tidy();
    const endedAt = Math.round(writtenAt(this.directory, runFile.shimLost) ?? this.#parts.clock.now());
    const oomKilled = cause === 'oom';
    if (oomKilled || this.#isKilled) {
      return { exitCode: null, signal: 'SIGKILL', endedAt, shimLost: false, oomKilled };
    }
    const common = { exitCode: null, signal: null, endedAt, shimLost: true, oomKilled };
    return cause === 'evicted' || cause === 'deleted' ? { ...common, lostBy: cause } : common;
  }

  /** Deletes the job, which is not needed any more; what fails is made good by the next agent, or by its time to live. */
  #tidy(): Promise<void> {
    const { log, job, onWork, cluster } = this.#parts;
    this.#tidying ??= cluster.deleteJob(job).then(
      () => {},
      (error: unknown) => log.debug('a job could not be deleted yet', { job, error }),
    );
    onWork(this.#tidying);
    return this.#tidying;
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
