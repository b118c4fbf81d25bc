/**
 * Runs scripts in a cluster, one job with one pod a run. The pod's first process is the shim of local runs, and it writes
 * into the run directory, which lies on a volume that agent and pods share: so what is true of a run stands in its directory,
 * whether the cluster answers or not. The log that the cluster keeps of a pod is not enough: it is rotated, and knows lines.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { umask } from 'node:process';
import { Cluster } from '../../../pkg/kubernetes/cluster.ts';
import { isUnreachable } from '../../../pkg/kubernetes/cluster-error.ts';
import type { Executor, KnownRun, Run, RunSpec } from '../executor.ts';
import { ExecutorWork } from '../shim/executor-work.ts';
import { missingInterpreter, readScript } from '../shim/interpreter.ts';
import { marker } from '../shim/process-tree.ts';
import { hasTraces, type RunRecord, readRunRecord, recordOfKnown, runFile } from '../shim/run-files.ts';
import { type Holder, settleStart } from '../shim/settle-start.ts';
import { checkWorkingDirectory, withoutSpace, writeRun } from '../shim/write-run.ts';
import { explain, startFailed } from './cluster-faults.ts';
import { endJob } from './end-job.ts';
import { entryCommand, entryScript } from './entry-script.ts';
import { containerName, jobBody } from './job-body.ts';
import { agentLabel, jobName, label } from './job-name.ts';
import { JobWatch } from './job-watch.ts';
import type { KubernetesOptions } from './kubernetes-options.ts';
import { KubernetesRun } from './kubernetes-run.ts';
import { removeOrphans } from './orphans.ts';
import { podEnvironmentText } from './pod-environment.ts';
import { makePodFiles } from './pod-files.ts';
import { type StartFailure, startJob, waitForStart } from './start-job.ts';

/** Makes the Kubernetes executor. Nothing happens before the first call. */
export function makeKubernetesExecutor(options: KubernetesOptions): Executor {
  return new KubernetesExecutor(options);
}

/** From the first look at a job that may have begun to the second; ms. */
const firstPauseMs = 50;
/** For how long a cluster that is away is asked to delete a job that did not begin before an agent died; ms. */
const settlePatienceMs = 300_000;
/** For how long a cluster that is away is asked to delete the job of a start that failed; ms. */
const patienceMs = 10_000;
/** From when a pod has taken its environment until it says that it has begun, and that is seen here; ms. */
const takenMs = 1_000;
const privately = { mode: 0o600 } as const;

class KubernetesExecutor implements Executor {
  readonly #options: KubernetesOptions;
  readonly #cluster: Cluster;
  readonly #watch: JobWatch;
  readonly #work: ExecutorWork;
  #isTidied = false;

  constructor(options: KubernetesOptions) {
    const { access, clock, log, namespace, userAgent } = options;
    this.#options = options;
    this.#work = new ExecutorWork(clock);
    this.#cluster = new Cluster({ access, clock, namespace, userAgent });
    const selector = `${label.agent}=${agentLabel(options)}`;
    this.#watch = new JobWatch({ cluster: this.#cluster, clock, log, selector });
  }

  start(spec: RunSpec): Promise<Run> {
    return this.#work.start(spec.directory, () =>
      this.#start(spec).catch((error: unknown) => Promise.reject(explain(error))),
    );
  }

  async attach(directory: string, known?: KnownRun): Promise<Run | null> {
    const record = readRunRecord(directory) ?? recordOfKnown(directory, known);
    if (record === null) return null;
    const { clock } = this.#options;
    const job = record.job ?? jobName({ directory, runId: record.runId });
    this.#watch.start();
    try {
      const { createdAt } = record;
      const holder = this.#holderOf(job);
      if (!(await settleStart({ clock, holder, directory, createdAt, firstPauseMs }))) return null;
    } catch (error) {
      throw explain(error);
    } finally {
      rmSync(join(directory, runFile.environment), { force: true });
    }
    return this.#runOf(directory, record, { isNew: false });
  }

  async isUntouched(directory: string): Promise<boolean> {
    if (hasTraces(directory)) return false;
    const record = readRunRecord(directory);
    try {
      return record === null || record.job === null || (await this.#cluster.getJob(record.job)) === null;
    } catch {
      // a cluster that is away makes nothing certain
      return false;
    }
  }

  prepare(): void {
    this.#watch.start();
    if (this.#isTidied) return;
    this.#isTidied = true;
    const { log } = this.#options;
    this.#work.keep(
      removeOrphans(this.#cluster, agentLabel(this.#options)).then(
        (count) => void (count > 0 && log.info('jobs that were left behind are deleted', { count })),
        (error: unknown) => log.warn('jobs that were left behind could not be looked for', { error }),
      ),
    );
  }

  async close(): Promise<void> {
    await this.#work.settle();
    await this.#watch.stop();
    await this.#cluster.close();
  }

  async #start(spec: RunSpec): Promise<Run> {
    const before = await this.attach(spec.directory);
    if (before !== null) return before;
    checkWorkingDirectory(spec);
    const { clock, inherited = {}, umask: mask = umask(), startTimeoutMs } = this.#options;
    const { directory, runId, workingDirectory, input } = spec;
    const script = readScript(spec.script);
    const command = entryCommand({ umask: mask, directory, workingDirectory, input, script });
    const run = { directory, runId, workingDirectory, command };
    const body = jobBody(run, this.#options, this.#cluster.namespace);
    const job = body.metadata.name;
    let record: RunRecord;
    try {
      const prepared = { text: script.text, interpreter: [script.name ?? 'bash sh', ...script.rest] };
      record = writeRun({ clock, spec, script: prepared, container: null, job });
      mkdirSync(join(directory, runFile.pipes), { recursive: true, mode: 0o700 });
      makePodFiles(directory);
      writeFileSync(join(directory, runFile.containerShim), entryScript, privately);
      const env = { ...spec.env, [marker]: runId };
      writeFileSync(join(directory, runFile.environment), podEnvironmentText({ env, inherited }), privately);
    } catch (error) {
      rmSync(join(directory, runFile.environment), { force: true });
      throw withoutSpace(error, directory);
    }
    const parts = { clock, cluster: this.#cluster, watch: this.#watch };
    try {
      const hasBegun = () => existsSync(join(directory, runFile.shim));
      this.#watch.start();
      await startJob(this.#cluster, body);
      const failure = await waitForStart({
        ...{ ...parts, job, hasBegun, timeoutMs: startTimeoutMs },
        container: containerName,
      });
      if (failure !== null) throw await this.#giveUp({ spec, job, failure });
    } catch (error) {
      if (!isUnreachable(error) || !(await this.#hasBegunAfterAll(directory, job))) throw error;
    } finally {
      rmSync(join(directory, runFile.environment), { force: true });
    }
    return this.#runOf(directory, record, { isNew: true });
  }

  /** A job that the cluster may have made before it went away: from now on it cannot begin any more, but it may have. */
  async #hasBegunAfterAll(directory: string, job: string): Promise<boolean> {
    const { clock } = this.#options;
    rmSync(join(directory, runFile.environment), { force: true });
    await clock.sleep(takenMs);
    if (existsSync(join(directory, runFile.shim))) return true;
    await endJob({ clock, cluster: this.#cluster, job }, 0).catch(() => {});
    return existsSync(join(directory, runFile.shim));
  }

  /** Deletes what does not begin, so that it never will. @returns what to say of it */
  async #giveUp({
    spec,
    job,
    failure,
  }: {
    readonly spec: RunSpec;
    readonly job: string;
    readonly failure: NonNullable<StartFailure>;
  }): Promise<unknown> {
    const { clock, image } = this.#options;
    const { directory } = spec;
    // without its environment nothing can begin any more, whether the cluster answers now or not
    rmSync(join(directory, runFile.environment), { force: true });
    await endJob({ clock, cluster: this.#cluster, job }, patienceMs).catch(() => {});
    if (failure.fault.kind === 'interpreter') {
      rmSync(directory, { recursive: true, force: true });
      return missingInterpreter(readScript(spec.script).name, `in the image ${image}`);
    }
    return startFailed({ job, namespace: this.#cluster.namespace, image, ...failure });
  }

  #runOf(directory: string, record: RunRecord, { isNew }: { readonly isNew: boolean }): Run {
    const { clock, log } = this.#options;
    return new KubernetesRun({
      clock,
      log,
      cluster: this.#cluster,
      watch: this.#watch,
      job: record.job ?? jobName({ directory, runId: record.runId }),
      directory,
      record,
      isNew,
      onWork: (work) => this.#work.keep(work),
    });
  }

  #holderOf(job: string): Holder {
    const parts = { clock: this.#options.clock, cluster: this.#cluster, job };
    let isThere = false;
    return {
      isRunning: async () => {
        const { sight, hasJob } = await this.#watch.look(job);
        isThere = hasJob;
        return sight === 'alive';
      },
      remove: async () => {
        if (isThere) await endJob(parts, settlePatienceMs);
      },
      isAway: isUnreachable,
    };
  }
}
