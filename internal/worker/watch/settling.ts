import type { FileChange } from '../../api/watch-shapes.ts';

/** A batch is not held back longer than this, however restless the directory is; ms. */
const longestMs = 10_000;

interface Seen {
  readonly state: string;
  /** monotonic ms */
  readonly since: number;
  readonly first: number;
}

/** Waits until changes have come to rest. Pure but for what it remembers. */
export class Settling {
  readonly #restMs: number;
  readonly #isBatch: boolean;
  #seen = new Map<string, Seen>();

  /** @param how.restMs  how long a file must stay the same */
  constructor(how: { readonly restMs: number; readonly isBatch: boolean }) {
    this.#restMs = how.restMs;
    this.#isBatch = how.isBatch;
  }

  /**
   * Takes all changes that are open now.
   * @param now  monotonic ms
   * @returns those that have come to rest; and when to look again, null = when something happens
   */
  look(changes: readonly FileChange[], now: number): { ready: FileChange[]; againMs: number | null } {
    const seen = new Map<string, Seen>();
    for (const change of changes) {
      const state = JSON.stringify([change.kind, change.size, change.mtimeNs, change.inode]);
      const before = this.#seen.get(change.path);
      const since = before?.state === state ? before.since : now;
      seen.set(change.path, { state, since, first: before?.first ?? now });
    }
    this.#seen = seen;
    const isAtRest = ({ path }: FileChange) => now - (seen.get(path)?.since ?? now) >= this.#restMs;
    const rested = changes.filter(isAtRest);
    const oldest = Math.min(...[...seen.values()].map(({ first }) => first));
    const isWaiting = this.#isBatch && rested.length < changes.length && now - oldest < longestMs;
    const ready = isWaiting ? [] : rested;
    for (const { path } of ready) seen.delete(path);
    const left = [...seen.values()].map(({ since }) => Math.max(1, since + this.#restMs - now));
    return { ready, againMs: left.length === 0 ? null : Math.min(...left) };
  }
}
