import type { WatchStatus } from './watches.ts';

/** What all agents of a process watch. */
export class WatchBoard {
  readonly #lists = new Set<() => readonly WatchStatus[]>();

  /** @returns what takes it off again */
  add(list: () => readonly WatchStatus[]): () => void {
    this.#lists.add(list);
    return () => this.#lists.delete(list);
  }

  /** By workflow and trigger. */
  all(): readonly WatchStatus[] {
    const name = ({ workflow, trigger }: WatchStatus) => `${workflow}/${trigger}`;
    return [...this.#lists].flatMap((list) => list()).sort((a, b) => (name(a) < name(b) ? -1 : 1));
  }
}
