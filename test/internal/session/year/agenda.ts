type Act = () => Promise<void>;

/** What is to happen, by the time at which it is. */
export class Agenda {
  readonly #items: { readonly at: number; readonly act: Act }[] = [];

  /** When something happens next; null = nothing is to. */
  get nextAt(): number | null {
    return this.#items[0]?.at ?? null;
  }

  /** Behind what was added for the same time. */
  add(at: number, act: Act): void {
    let [low, high] = [0, this.#items.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#items[middle]?.at ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    this.#items.splice(low, 0, { at, act });
  }

  /** Takes the first thing that is due. */
  next(now: number): Act | null {
    return (this.#items[0]?.at ?? Number.POSITIVE_INFINITY) <= now
      ? (this.#items.shift()?.act ?? null)
      : null;
  }
}
