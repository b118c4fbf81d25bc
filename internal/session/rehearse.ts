import type { Store } from '../store/store.ts';
import type { SessionParts } from './parts.ts';

/** Thrown to undo a transaction; carries what it came to. */
class Undone {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/**
 * The same parts over a store in which every transaction is done and then undone: what is done with them comes to what it
 * would come to, and nothing of it stays or is told. Good for one verb; each of its transactions sees the store as it is.
 */
export function rehearsing(parts: SessionParts): SessionParts {
  const { store } = parts;
  const rehearsed: Store = {
    ...store,
    transact: async (work) => {
      try {
        return await store.transact(async (tx): Promise<never> => {
          throw new Undone(await work(tx));
        });
      } catch (thrown) {
        if (thrown instanceof Undone) return thrown.value as Awaited<ReturnType<typeof work>>;
        throw thrown;
      }
    },
    // nobody stays to listen
    subscribe: () => () => {},
    notify: () => {},
  };
  return { ...parts, store: rehearsed };
}
