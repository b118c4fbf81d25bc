import type { FileChange } from '../../api/watch-shapes.ts';

/** Changes are not held back longer than this, however restless the directory is; ms. */
const longestMs = 10_000;

interface Seen {
  readonly change: FileChange;
  /** when it became as it is; monotonic ms */
  readonly since: number;
  readonly first: number;
}

/** How long changes are waited for; ms. */
export interface Rest {
  /** how long a file must stay the same */
  readonly settleMs: number;
  /** how long all files must be left alone */
  readonly debounceMs: number;
  /** whether all changes wait for each other */
  readonly isBatch: boolean;
}

/** Waits until changes have come to rest. Pure but for what it remembers. */
export class Settling {
  readonly #rest: Rest;
  #seen = new Map<string, Seen>();

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  /**
   * Takes all changes that are open now. A change that is ready stays ready until it is no longer among them.
   * @param now  monotonic ms
   * @param ageOf  for how long a change has been as it is, as far as its file tells; ms; default 0
   * @returns those that have come to rest; and when to look again, null = when something happens
   */
  look(
    changes: readonly FileChange[],
    now: number,
    ageOf: (change: FileChange) => number = () => 0,
  ): { ready: FileChange[]; againMs: number | null } {
    const { settleMs, debounceMs, isBatch } = this.#rest;
    const seen = new Map<string, Seen>();
    let [oldest, newest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const change of changes) {
      const before = this.#seen.get(change.path);
      const isSame = before !== undefined && isSameChange(before.change, change);
      const since = isSame ? before.since : now - Math.max(0, ageOf(change));
      const first = before?.first ?? since;
      seen.set(change.path, { change, since, first });
      oldest = Math.min(oldest, first);
      newest = Math.max(newest, since);
    }
    this.#seen = seen;
    if (changes.length === 0) return { ready: [], againMs: null };
    const isRested = (since: number) => now - since >= settleMs;
    const quietMs = isBatch ? Math.max(settleMs, debounceMs) : debounceMs;
    const opensAt = Math.min(newest + quietMs, oldest + Math.max(longestMs, settleMs));
    if (now < opensAt) return { ready: [], againMs: Math.max(1, opensAt - now) };
    const ready: FileChange[] = [];
    let nextAt = Number.POSITIVE_INFINITY;
    for (const { change, since } of seen.values()) {
      if (isRested(since)) ready.push(change);
      else nextAt = Math.min(nextAt, since + settleMs);
    }
    return { ready, againMs: nextAt === Number.POSITIVE_INFINITY ? null : Math.max(1, nextAt - now) };
  }
}

const isSameChange = (a: FileChange, b: FileChange) =>
  a.kind === b.kind && a.size === b.size && a.mtimeNs === b.mtimeNs && a.inode === b.inode;
