import type { Clock } from '../clock/clock.ts';
import type { Cluster, Kinds } from './cluster.ts';

/** What is kept known. */
export interface CacheParts<K extends keyof Kinds> {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly kind: K;
  /** labels of the objects that are meant, such as `a=b` */
  readonly selector: string;
  /** called after something changed, and after every list */
  readonly onChange: () => void;
  /** called with what an object was like last, when a watch says that it is deleted */
  readonly onDelete?: (object: Kinds[K]) => void;
  /** called when the cluster cannot be asked any more, with why, and with null when it can again */
  readonly onAway: (error: unknown) => void;
  /** after so long everything is listed anew, whatever the watch said; ms, default 60000 */
  readonly relistMs?: number;
}

const defaultRelistMs = 60_000;
/** Between two tries while the cluster is away; ms. */
const [firstPauseMs, longestPauseMs] = [200, 10_000];
/** Between two watches that end as soon as they have begun; ms. */
const breathMs = 50;

/**
 * Knows all objects of one kind that have some labels: lists them, then watches from there. A watch that ends is taken up
 * where it was; when that is too long ago (410), all are listed anew.
 * @see kubernetes/client-go tools/cache/reflector.go, which this follows
 */
export class ObjectCache<K extends keyof Kinds> {
  readonly #parts: CacheParts<K>;
  readonly #stop = new AbortController();
  #objects = new Map<string, Kinds[K]>();
  #resourceVersion = '';
  #running: Promise<void> | null = null;
  #isAway = false;
  #listedAt: number | null = null;

  constructor(parts: CacheParts<K>) {
    this.#parts = parts;
  }

  /** Whether it knows: it has listed, and the cluster has answered since. */
  get isCurrent(): boolean {
    return this.#listedAt !== null && !this.#isAway;
  }

  /** Begins, once. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends for good. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** The newest that is known of an object; null when there is none, as far as is known. */
  get(name: string): Kinds[K] | null {
    return this.#objects.get(name) ?? null;
  }

  /** All that are known. */
  values(): readonly Kinds[K][] {
    return [...this.#objects.values()];
  }

  async #run(): Promise<void> {
    const { clock, onAway } = this.#parts;
    const { signal } = this.#stop;
    for (let pauseMs = firstPauseMs; !signal.aborted; ) {
      try {
        await this.#step();
        pauseMs = firstPauseMs;
        await clock.sleep(breathMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!this.#isAway) onAway(error);
        this.#isAway = true;
        this.#resourceVersion = '';
        await clock.sleep(pauseMs, signal).catch(() => {});
        pauseMs = Math.min(longestPauseMs, pauseMs * 2);
      }
    }
  }

  /** Lists if that is due, then watches until the watch ends. */
  async #step(): Promise<void> {
    const { clock, cluster, kind, selector, relistMs = defaultRelistMs } = this.#parts;
    const now = clock.monotonicMs();
    if (this.#resourceVersion === '' || now - (this.#listedAt ?? 0) >= relistMs) await this.#list();
    const restMs = Math.max(1, relistMs - (clock.monotonicMs() - (this.#listedAt ?? 0)));
    const turn = new AbortController();
    const cancel = clock.after(restMs, () => turn.abort());
    const signal = AbortSignal.any([this.#stop.signal, turn.signal]);
    try {
      const resourceVersion = this.#resourceVersion;
      for await (const change of cluster.watch(kind, { selector, resourceVersion, signal })) {
        if (change.type === 'gone') this.#resourceVersion = '';
        else if (change.type === 'bookmark') this.#resourceVersion = change.resourceVersion;
        else this.#take(change);
      }
    } catch (error) {
      if (!turn.signal.aborted) throw error;
    } finally {
      cancel();
    }
  }

  async #list(): Promise<void> {
    const { cluster, clock, kind, selector, onChange, onAway } = this.#parts;
    const { items, resourceVersion } = await cluster.list(kind, selector);
    this.#objects = new Map(items.map((item) => [item.metadata.name, item]));
    this.#resourceVersion = resourceVersion;
    this.#listedAt = clock.monotonicMs();
    if (this.#isAway) onAway(null);
    this.#isAway = false;
    onChange();
  }

  #take({ type, object }: { readonly type: 'set' | 'deleted'; readonly object: Kinds[K] }): void {
    const { name, resourceVersion } = object.metadata;
    if (type === 'deleted') {
      this.#objects.delete(name);
      this.#parts.onDelete?.(object);
    }
    if (type === 'set') this.#objects.set(name, object);
    this.#resourceVersion = resourceVersion;
    this.#parts.onChange();
  }
}
