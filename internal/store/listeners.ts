import type { Log } from '../../pkg/log/log.ts';
import type { Topic } from './store.ts';

/** Who in this process listens to which topic. */
export class Listeners {
  readonly #topics = new Map<Topic, Set<() => void>>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** @returns a function that ends it; harmless the second time */
  add(topic: Topic, listener: () => void): () => void {
    // An object of its own, so that one function may listen twice.
    const entry = () => listener();
    const entries = this.#topics.get(topic) ?? new Set();
    this.#topics.set(topic, entries.add(entry));
    return () => {
      entries.delete(entry);
      if (entries.size === 0 && this.#topics.get(topic) === entries) this.#topics.delete(topic);
    };
  }

  /** Calls the listeners of a topic one after another; what one throws is logged and stops nobody. */
  wake(topic: Topic): void {
    for (const entry of [...(this.#topics.get(topic) ?? [])]) {
      try {
        entry();
      } catch (error) {
        this.#log.error('a listener threw', { topic, error });
      }
    }
  }

  /** Calls every listener: something may have been missed. */
  wakeAll(): void {
    for (const topic of [...this.#topics.keys()]) this.wake(topic);
  }

  /** Forgets all of them. */
  clear(): void {
    this.#topics.clear();
  }
}
