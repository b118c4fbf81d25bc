import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Cluster } from '../../../pkg/kubernetes/cluster.ts';
import { followLog } from '../../../pkg/kubernetes/follow-log.ts';
import type { Pod } from '../../../pkg/kubernetes/shapes.ts';
import { hasEnded } from './pod-state.ts';

/** So much of the end of a log is kept; characters. */
const maxChars = 1_000;
/** How long the rest of a log may take to come once nobody writes any more; ms. */
const restMs = 1_000;

/** Whose log it is. */
export interface TailParts {
  readonly clock: Clock;
  readonly cluster: Cluster;
  /** name of the container */
  readonly container: string;
}

/**
 * The end of a pod's own log, which says what the shim could not: it is followed from when the pod is there until the script
 * begins. What the script writes never goes there.
 */
export class PodLogTail {
  readonly #parts: TailParts;
  readonly #stop = new AbortController();
  #text = '';
  #pod: Pod | null = null;
  #following: Promise<void> | null = null;

  constructor(parts: TailParts) {
    this.#parts = parts;
  }

  /** Follows it, once its container has begun; called with every newer state of the pod. */
  follow(pod: Pod): void {
    this.#pod = pod;
    const hasBegun = pod.status.containerStatuses.some(({ state }) => state.running || state.terminated);
    if (hasBegun) this.#following ??= this.#follow(pod.metadata.name);
  }

  /** Ends it. @returns the last lines, joined by blanks */
  async end(): Promise<string> {
    const { clock } = this.#parts;
    if (this.#following !== null && this.#pod !== null && hasEnded(this.#pod)) {
      await Promise.race([this.#following, clock.sleep(restMs, this.#stop.signal).catch(() => {})]);
    }
    this.#stop.abort();
    await this.#following;
    return this.#text.trim();
  }

  async #follow(pod: string): Promise<void> {
    const { clock, cluster, container } = this.#parts;
    const mayGoOn = () => this.#pod !== null && !hasEnded(this.#pod);
    const { signal } = this.#stop;
    try {
      for await (const line of followLog({
        cluster,
        clock,
        pod,
        container,
        mayGoOn,
        signal,
      })) {
        this.#text = `${this.#text} ${line}`.slice(-maxChars);
      }
    } catch {
      // what it would have said is missing in a message
    }
  }
}
