/** Runners in containers of an engine of this machine, one container a task. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Attached } from '../../../pkg/docker/attach.ts';
import type { ContainerSpec, Mount } from '../../../pkg/docker/container-body.ts';
import { type Container, Engine } from '../../../pkg/docker/engine.ts';
import { explain, isAway } from '../../executor/docker/engine-faults.ts';
import { containerEnvironment } from '../../executor/shim/container-environment.ts';
import { type DockerPlace, label, mountOf, ownerText, removeAbandoned, volumesOf } from './docker-place.ts';
import { findImage, findPrograms } from './docker-programs.ts';
import { type Elsewhere, PlaceLost, type RunnerEnd, type RunnerJob } from './elsewhere.ts';
import { handOver } from './hand-over.ts';
import { whileStoppable } from './while-stoppable.ts';

/** How long a runner that was asked to end may take: it keeps what there is, and gives its slot back; ms. */
const stopMs = 20_000;
/** How often the engine is asked whether a container has ended whose output has; ms. */
const endAgainMs = 50;
/** For how long an engine is waited for that went away meanwhile; ms. */
const patienceMs = 30_000;

/** Makes the place. Nothing is asked before the first call. */
export function dockerElsewhere(place: DockerPlace): Elsewhere {
  const engine = new Engine(place.address);
  const name = `a container of the image ${place.image}`;
  return {
    name,
    // an image that is pulled counts as work
    startTimeoutMs: 0,
    run: async (job) => {
      try {
        return await runIn(place, engine, job);
      } catch (error) {
        throw explain(error);
      }
    },
  };
}

async function runIn(place: DockerPlace, engine: Engine, job: RunnerJob): Promise<RunnerEnd> {
  const { clock } = place;
  const image = await findImage(place, engine);
  await removeAbandoned(engine);
  const { shell, keruta, mounts } = await findPrograms(place, engine, image.id);
  const inside = containerEnvironment({ env: job.env, inherited: job.env, image: image.env });
  const handed = handOver(job, inside.set);
  // one task has one name: a second start of it ends what an earlier one left
  const name = `keruta-runner-${createHash('sha256').update(job.directory).digest('hex').slice(0, 16)}`;
  const ofRun = job.runDirectory === null ? [] : [job.runDirectory];
  const own: Mount[] = [job.directory, job.artifactsDirectory, ...ofRun, ...job.shared].map((path) =>
    mountOf(path, false),
  );
  const spec: ContainerSpec = {
    image: place.image,
    command: [shell, './start.sh', keruta, ...handed.words],
    workingDirectory: handed.directory,
    user: place.user,
    labels: { [label.runner]: 'task', [label.owner]: ownerText() },
    mounts: nested([
      ...volumesOf(place),
      ...mounts,
      ...job.readable.map((path) => mountOf(path, true)),
      ...own,
    ]),
    network: place.network,
    memoryBytes: job.limits.memoryMb === null ? null : job.limits.memoryMb * 1024 ** 2,
    cpus: job.limits.cpuPercent === null ? null : job.limits.cpuPercent / 100,
    pidsLimit: place.pidsLimit,
    hasInput: true,
  };
  let streams: Attached | null = null;
  try {
    await engine.remove(name);
    await engine.create(name, spec);
    streams = await engine.attach(name);
    await engine.start(name);
    const container = await untilEnd({ clock, engine, name, streams }, job);
    return { exitCode: container.exitCode, wasOutOfMemory: container.isOomKilled };
  } finally {
    streams?.close();
    handed.remove();
    await engine.remove(name).catch((error: unknown) => {
      const said = error instanceof Error ? error.message : String(error);
      place.log.warn('the container of the task could not be removed', { container: name, error: said });
    });
  }
}

/** Follows the runner to its end, and asks it to end when that is wished. */
async function untilEnd(
  {
    clock,
    engine,
    name,
    streams,
  }: { readonly clock: Clock; readonly engine: Engine; readonly name: string; readonly streams: Attached },
  { output, signal }: RunnerJob,
): Promise<Container> {
  return whileStoppable(
    {
      ...{ clock, signal, stopMs },
      ask: () => engine.signal(name, 'SIGTERM'),
      force: () => engine.remove(name),
    },
    async () => {
      await streams.follow(output);
      return lastLook({ clock, engine, name });
    },
  );
}

/** What the engine says of a container whose output has ended. */
async function lastLook({
  clock,
  engine,
  name,
}: {
  readonly clock: Clock;
  readonly engine: Engine;
  readonly name: string;
}): Promise<Container> {
  const from = clock.monotonicMs();
  for (;;) {
    try {
      const found = await engine.inspect(name);
      if (found === null)
        throw new PlaceLost(`The container ${name} was removed by somebody else while the task ran in it.`);
      if (!found.isRunning && found.status !== 'created') return found;
    } catch (error) {
      if (!isAway(error)) throw error;
      if (clock.monotonicMs() - from >= patienceMs)
        throw new PlaceLost(
          `${(error as Error).message}, in the middle of the task. Start the engine, and remove the container: docker rm -f ${name}; a second start with the same --state does that itself.`,
        );
    }
    await clock.sleep(endAgainMs);
  }
}

/** One mount a place, the later one wins; outer places come first, or they would hide the inner ones. */
function nested(mounts: readonly Mount[]): readonly Mount[] {
  const places = new Map(mounts.map((mount) => [mount.target, mount]));
  return [...places.values()].sort((one, other) => one.target.length - other.target.length);
}
