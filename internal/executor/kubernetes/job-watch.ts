import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Cluster } from '../../../pkg/kubernetes/cluster.ts';
import { ObjectCache } from '../../../pkg/kubernetes/object-cache.ts';
import type { Pod } from '../../../pkg/kubernetes/shapes.ts';
import type { Log } from '../../../pkg/log/log.ts';
import { label } from './job-name.ts';
import { causeOfGone, hasEnded, type PodSight, sightOf } from './pod-state.ts';

/** So many pods are remembered once they are gone, for why they went. */
const maxRemembered = 1_000;

/** What is seen of a run's job and pods. */
export interface RunSight {
  readonly sight: PodSight;
  /** the pod that says so; null when there is none, and none was seen */
  readonly pod: Pod | null;
  /** whether there is a job of this name */
  readonly hasJob: boolean;
}

/**
 * Watches pods, such as all of one agent, over one connection. What it says of a pod that is there may be a moment old; that a pod
 * is gone it says only after having asked.
 */
export class JobWatch {
  readonly #cluster: Cluster;
  readonly #pods: ObjectCache<'pods'>;
  readonly #gone = new Map<string, Pod>();
  readonly #listeners = new Set<() => void>();

  constructor(parts: {
    readonly cluster: Cluster;
    readonly clock: Clock;
    readonly log: Log;
    /** labels of the pods that are watched */
    readonly selector: string;
  }) {
    const { cluster, clock, log, selector } = parts;
    this.#cluster = cluster;
    this.#pods = new ObjectCache({
      cluster,
      clock,
      kind: 'pods',
      selector,
      onChange: () => {
        for (const listener of [...this.#listeners]) listener();
      },
      onDelete: (pod) => this.#remember(pod),
      onAway: (error) => {
        if (error === null) log.info('the cluster is back', { server: cluster.server });
        else log.warn('the cluster cannot be asked; runs go on', { server: cluster.server, error });
      },
    });
  }

  /** Whether the cluster answers, as far as was seen. */
  get isCurrent(): boolean {
    return this.#pods.isCurrent;
  }

  /** Begins to watch, once. */
  start(): void {
    this.#pods.start();
  }

  /** Ends. */
  stop(): Promise<void> {
    return this.#pods.stop();
  }

  /** Calls a listener after anything changed. @returns stops it */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The pods of a job that are known; a moment old. */
  podsOf(job: string): readonly Pod[] {
    return this.#pods.values().filter(({ metadata }) => metadata.labels[label.run] === job);
  }

  /** Whether a pod of the job was alive a moment ago. */
  isSeenAlive(job: string): boolean {
    return this.isCurrent && this.podsOf(job).some((pod) => !hasEnded(pod));
  }

  /** Asks the cluster. @throws {ClusterError} */
  async look(job: string): Promise<RunSight> {
    const { items } = await this.#cluster.list('pods', `${label.run}=${job}`);
    const found = await this.#cluster.getJob(job);
    const hasJob = found !== null;
    const living = items.find((pod) => !hasEnded(pod));
    if (living !== undefined) return { sight: sightOf(living), pod: living, hasJob };
    // a second one is what the cluster made in the place of the first, and ran nothing
    const causes = items.map((pod) => ({ sight: sightOf(pod), pod, hasJob }));
    const told = causes.find(({ sight }) => sight !== 'ended') ?? causes[0];
    const before = this.#gone.get(job) ?? null;
    if (told !== undefined && before === null) return told;
    const isOver = found?.status.conditions.some(
      ({ type, status }) => /^(Complete|Failed)$/.test(type) && status === 'True',
    );
    if (told === undefined && before === null && found !== null && isOver !== true) {
      return { sight: 'coming', pod: null, hasJob };
    }
    return { sight: causeOfGone(before), pod: before, hasJob };
  }

  #remember(pod: Pod): void {
    const job = pod.metadata.labels[label.run] ?? '';
    if (this.#gone.has(job)) return;
    this.#gone.set(job, pod);
    for (const oldest of this.#gone.keys()) {
      if (this.#gone.size <= maxRemembered) return;
      this.#gone.delete(oldest);
    }
  }
}
