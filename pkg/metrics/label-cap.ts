/** Keeps the values of one label few, whatever comes: those that came first keep their names, the rest share one. */
export class LabelCap {
  readonly #known = new Set<string>();
  readonly #most: number;
  readonly #rest: string;

  /** @param most  how many values have their own name @param rest  what all others are called */
  constructor(most: number, rest: string) {
    this.#most = most;
    this.#rest = rest;
  }

  /** The value itself, or the name of the rest. */
  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.#most) return this.#rest;
    this.#known.add(value);
    return value;
  }
}
