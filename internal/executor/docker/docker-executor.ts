/**
 * Runs scripts in containers of an engine on this machine, one container a run. Its first process is the shim of local runs,
 * and it writes into the run directory, which has the same path inside and outside: so what is true of a run stands in its
 * directory, whether the engine is there or not.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getgid, getuid, pid, umask } from 'node:process';
import type { ContainerSpec, Mount } from '../../../pkg/docker/container-body.ts';
import { Engine, type Image } from '../../../pkg/docker/engine.ts';
import { bootId, readStat } from '../../../pkg/process/proc.ts';
import type { Executor, KnownRun, Run, RunSpec } from '../executor.ts';
import { containerEnvironment, environmentText } from '../shim/container-environment.ts';
import { ExecutorWork } from '../shim/executor-work.ts';
import { isProgram, prepareScript } from '../shim/interpreter.ts';
import { marker } from '../shim/process-tree.ts';
import { hasTraces, type RunRecord, readRunRecord, recordOfKnown, runFile } from '../shim/run-files.ts';
import { type Holder, settleStart } from '../shim/settle-start.ts';
import { checkWorkingDirectory, withoutSpace, writeRun } from '../shim/write-run.ts';
import { containerCommand, containerShim } from './container-command.ts';
import { containerName, label, labelsOf } from './container-name.ts';
import type { DockerOptions } from './docker-options.ts';
import { DockerRun } from './docker-run.ts';
import { explain, imageMissing, isAway } from './engine-faults.ts';
import { findShimPrograms, type ImageLook, ImagePrograms } from './image-programs.ts';
import { removeOrphans } from './orphans.ts';
import { startContainer } from './start-container.ts';

/** Makes the docker executor. Nothing happens before the first call. */
export function makeDockerExecutor(options: DockerOptions): Executor {
  return new DockerExecutor(options);
}

/** From the first look at a container that may have begun to the second; ms. */
const firstPauseMs = 20;

class DockerExecutor implements Executor {
  readonly #options: DockerOptions;
  readonly #engine: Engine;
  readonly #programs: ImagePrograms;
  readonly #look: ImageLook;
  /** what stands on containers that this process makes for a look */
  readonly #looker = `${pid}.${readStat(pid)?.startTicks ?? 0}`;
  readonly #work: ExecutorWork;
  #isTidied = false;

  constructor(options: DockerOptions) {
    const { image, volumes = [], baseDirectory } = options;
    this.#options = options;
    this.#work = new ExecutorWork(options.clock);
    this.#engine = new Engine(options.address);
    const labels = { [label.agent]: baseDirectory, [label.look]: this.#looker };
    this.#look = { engine: this.#engine, image, volumes, labels };
    this.#programs = options.programs ?? new ImagePrograms();
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
    const name = containerName(directory);
    try {
      const { createdAt } = record;
      const holder = this.#holderOf(name);
      if (!(await settleStart({ clock, holder, directory, createdAt, firstPauseMs }))) return null;
    } catch (error) {
      throw explain(error);
    } finally {
      rmSync(join(directory, runFile.environment), { force: true });
    }
    return this.#runOf(directory, record, { isNew: false });
  }

  async isUntouched(directory: string): Promise<boolean> {
    const record = readRunRecord(directory);
    // after a crash of the machine a file that is not there proves nothing
    if (record !== null && record.bootId !== bootId()) return false;
    if (hasTraces(directory)) return false;
    try {
      return record === null || (await this.#engine.inspect(containerName(directory))) === null;
    } catch {
      // an engine that is away makes nothing certain
      return false;
    }
  }

  prepare(): void {
    if (this.#isTidied) return;
    this.#isTidied = true;
    const { log, baseDirectory } = this.#options;
    const search = { engine: this.#engine, baseDirectory, look: this.#looker };
    this.#work.keep(
      removeOrphans(search).then(
        (count) => void (count > 0 && log.info('containers that were left behind are removed', { count })),
        (error: unknown) => log.warn('containers that were left behind could not be looked for', { error }),
      ),
    );
  }

  close(): Promise<void> {
    return this.#work.settle();
  }

  async #start(spec: RunSpec): Promise<Run> {
    const before = await this.attach(spec.directory);
    if (before !== null) return before;
    checkWorkingDirectory(spec);
    const { clock, inherited = {}, umask: mask = umask() } = this.#options;
    const { directory, workingDirectory, input } = spec;
    const image = await this.#findImage();
    const env = { ...spec.env, [marker]: spec.runId };
    const environment = containerEnvironment({ env, inherited, image: image.env });
    const { programs, script } = await this.#prepare(spec, image, environment.set.PATH);
    const name = containerName(directory);
    try {
      const record = writeRun({ clock, spec, script, container: name });
      mkdirSync(join(directory, runFile.pipes), { recursive: true, mode: 0o700 });
      writeFileSync(join(directory, runFile.environment), environmentText(environment), { mode: 0o600 });
      writeFileSync(join(directory, runFile.containerShim), containerShim, { mode: 0o600 });
      const command = containerCommand({
        programs,
        umask: mask,
        directory,
        workingDirectory,
        input,
        interpreter: script.interpreter,
      });
      const container = this.#containerOf(spec, command);
      await startContainer({ clock, engine: this.#engine, name, directory, spec: container });
      return await this.#runOf(directory, record, { isNew: true });
    } catch (error) {
      rmSync(join(directory, runFile.spec), { force: true });
      throw withoutSpace(error, directory);
    }
  }

  async #findImage(): Promise<Image> {
    const { image, pull = false, log } = this.#options;
    const found = await this.#engine.inspectImage(image);
    if (found !== null) return found;
    if (!pull) throw imageMissing(image, this.#engine);
    log.info('the image is being pulled', { image });
    await this.#engine.pullImage(image);
    const pulled = await this.#engine.inspectImage(image);
    if (pulled === null) throw imageMissing(image, this.#engine);
    return pulled;
  }

  /** Finds shim and interpreter in the image; what is mounted is looked at where it comes from. */
  #prepare({ script, workingDirectory }: RunSpec, image: Image, path: string | undefined) {
    const mounted = [workingDirectory, ...this.#sharedPaths()];
    return this.#programs.decide(this.#look, image.id, (isInImage) => {
      const isThere = (file: string) =>
        mounted.some((place) => file.startsWith(`${place}/`)) ? isProgram(file) : isInImage(file);
      const name = `in the image ${this.#options.image}`;
      // both ask for their files before either gives up, so that one look is enough
      const prepared = attempt(() =>
        prepareScript(script, { path, workingDirectory, isProgram: isThere, name }),
      );
      const programs = findShimPrograms(this.#options.image, isThere);
      return { programs, script: prepared() };
    });
  }

  #containerOf(spec: RunSpec, command: readonly string[]): ContainerSpec {
    const { image, baseDirectory, user, network, memoryBytes, cpus, pidsLimit } = this.#options;
    const { volumes = [], shared = [] } = this.#options;
    const own = [spec.directory, spec.workingDirectory].map((path) => ({ path, readOnly: false }));
    const places = new Map(
      [...shared.filter(({ path }) => existsSync(path)), ...own].map((one) => [one.path, one]),
    );
    const mounts: Mount[] = [...places.values()].map(({ path, readOnly }) => ({
      source: path,
      target: path,
      readOnly,
    }));
    return {
      image,
      command,
      workingDirectory: spec.directory,
      user: user ?? `${getuid?.() ?? 0}:${getgid?.() ?? 0}`,
      labels: labelsOf(spec, baseDirectory),
      mounts: [...mounts, ...volumes],
      network: network ?? null,
      memoryBytes: memoryBytes ?? null,
      cpus: cpus ?? null,
      pidsLimit: pidsLimit ?? null,
    };
  }

  #holderOf(name: string): Holder {
    return {
      isRunning: async () => (await this.#engine.inspect(name))?.isRunning === true,
      remove: () => this.#engine.remove(name),
      isAway,
    };
  }

  #sharedPaths(): readonly string[] {
    return (this.#options.shared ?? []).map(({ path }) => path);
  }

  async #runOf(directory: string, record: RunRecord, { isNew }: { readonly isNew: boolean }): Promise<Run> {
    const { clock, log } = this.#options;
    const run = new DockerRun({
      clock,
      log,
      engine: this.#engine,
      name: record.container ?? containerName(directory),
      directory,
      record,
      isNew,
      onWork: (work) => this.#work.keep(work),
    });
    if (isNew) await run.look();
    return run;
  }
}

/** Calls something now; what it throws is thrown when the answer is asked for. */
function attempt<T>(call: () => T): () => T {
  try {
    const answer = call();
    return () => answer;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
