/** Work that is under way on this server, by store and name: whoever wants the same waits for it instead of asking the store. */
export class UnderWay<T> {
  readonly #ofStores = new WeakMap<object, Map<string, Promise<T>>>();

  /** Joins the work of this name, or starts it. @returns what came of it, and whether somebody else had started it */
  async join(
    store: object,
    name: string,
    start: () => Promise<T>,
  ): Promise<{ readonly result: T; readonly isCopy: boolean }> {
    const started = this.#ofStores.get(store) ?? new Map<string, Promise<T>>();
    this.#ofStores.set(store, started);
    const same = started.get(name);
    if (same !== undefined) return { result: await same, isCopy: true };
    const work = start();
    started.set(name, work);
    try {
      return { result: await work, isCopy: false };
    } finally {
      started.delete(name);
    }
  }
}
