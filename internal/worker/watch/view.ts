import type { Clock } from '../../../pkg/clock/clock.ts';
import type { FileChange } from '../../api/watch-shapes.ts';
import { diffFiles, type FileTable, isSameStat } from './diff.ts';
import type { Span } from './own-runs.ts';
import { lookAt, type SeenFile, scanTree, type TreeWish } from './tree.ts';

/** A hint comes at most so long after the change, unless the machine is very busy; ms. */
const hintDelayMs = 100;
/** The clock of file times is so far from that of programs, at most: one tick of the kernel; ms. */
const tickMs = 10;

/** What a look needs. */
export interface Looking {
  readonly wish: TreeWish;
  readonly known: FileTable;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The files as they were seen last, and which of them are not as they are known. */
export class View {
  #files = new Map<string, SeenFile>();
  /** what may differ from what is known, and when it changed */
  readonly #open = new Map<string, Span>();
  /** when the last look at all began; epoch ms; null = there was none */
  #lookedAt: number | null = null;
  #unnamed = 0;

  get size(): number {
    return this.#files.size;
  }

  /** what people should know of it; null = nothing */
  get note(): string | null {
    return this.#unnamed === 0 ? null : `${this.#unnamed} names are not UTF-8: what has them is left out`;
  }

  /** Looks at all. @param looking.since  when somebody knew how it was, if nobody looked yet; epoch ms */
  async seeAll({ wish, known, clock, signal, since }: Looking & { readonly since: number }): Promise<void> {
    const beganAt = clock.now();
    const { files, unnamed } = await scanTree(wish, signal);
    const span = { from: this.#lookedAt ?? since, to: clock.now() };
    for (const [path, seen] of files) this.#compare(path, seen, { known, span });
    for (const path of this.#files.keys())
      if (!files.has(path)) this.#compare(path, undefined, { known, span });
    if (this.#lookedAt === null)
      for (const path of known.keys()) if (!files.has(path)) this.#compare(path, undefined, { known, span });
    this.#files = files;
    this.#lookedAt = beganAt;
    this.#unnamed = unnamed;
  }

  /** Looks at what something was heard of. @param heard  paths, and when; epoch ms */
  async seeSome(heard: ReadonlyMap<string, number>, { wish, known, clock, signal }: Looking): Promise<void> {
    const { found, looked } = await lookAt(heard.keys(), wish, signal);
    const first = Math.min(...heard.values());
    const about = { known, span: { from: first - hintDelayMs, to: clock.now() } };
    // a file that was one before has nothing below it: most looks need not go through all files
    const gone = new Set([...looked].filter((path) => !found.has(path) || !this.#files.has(path)));
    if (gone.size > 0) {
      for (const path of this.#files.keys()) {
        const place = found.has(path) ? null : placeOf(path, gone);
        if (place === null) continue;
        const to = heard.get(place) ?? about.span.to;
        this.#compare(path, undefined, { known, span: { from: to - hintDelayMs, to } });
        this.#files.delete(path);
      }
    }
    for (const [path, seen] of found) {
      this.#compare(path, seen, about);
      this.#files.set(path, seen);
    }
  }

  /** What is not as it is known. */
  changes(known: FileTable): FileChange[] {
    const there = new Map<string, SeenFile>();
    const before = new Map<string, NonNullable<ReturnType<FileTable['get']>>>();
    for (const path of this.#open.keys()) {
      const [seen, old] = [this.#files.get(path), known.get(path)];
      if (seen === old || (seen !== undefined && old !== undefined && isSameStat(seen, old))) {
        this.#open.delete(path);
        continue;
      }
      if (seen !== undefined) there.set(path, seen);
      if (old !== undefined) before.set(path, old);
    }
    return diffFiles(before, there);
  }

  /** When it changed; epoch ms. */
  spanOf(path: string): Span {
    return this.#open.get(path) ?? { from: 0, to: 0 };
  }

  /** Says that changes are known now. */
  forget(changes: readonly FileChange[]): void {
    for (const { path, renamedFrom } of changes) {
      this.#open.delete(path);
      if (renamedFrom !== undefined) this.#open.delete(renamedFrom);
    }
  }

  #compare(
    path: string,
    seen: SeenFile | undefined,
    { known, span }: { readonly known: FileTable; readonly span: Span },
  ): void {
    const before = this.#files.get(path);
    const isAsSeen = before !== undefined && seen !== undefined && isSameStat(before, seen);
    if (isAsSeen && before.changedAt === seen.changedAt) return;
    const old = known.get(path);
    if (before === undefined && seen !== undefined && old !== undefined && isSameStat(old, seen)) return;
    // a file that came with its directory, or is gone, does not tell when
    const since = Math.min(span.from, this.#lookedAt ?? span.from) - tickMs;
    const isTold = seen !== undefined && seen.changedAt >= since && seen.changedAt <= span.to + tickMs;
    this.#open.set(path, isTold ? { from: seen.changedAt, to: seen.changedAt } : span);
  }
}

/** Which of the places a path is at, or below; null = none. */
function placeOf(path: string, places: ReadonlySet<string>): string | null {
  if (places.has(path)) return path;
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
    if (places.has(path.slice(0, at))) return path.slice(0, at);
  return null;
}
