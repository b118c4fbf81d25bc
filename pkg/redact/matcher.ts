/**
 * Finds many needles in bytes, in linear time and without looking at most of them.
 *
 * A table of byte pairs says how far one may jump without passing the beginning of any needle; where it allows no jump,
 * an Aho-Corasick automaton reads on until no needle is open any more.
 *
 * @see Wu and Manber, "A fast algorithm for multi-pattern searching", 1994 (the jumps)
 * @see Aho and Corasick, "Efficient string matching", 1975 (the automaton)
 */

/** Longest jump; bytes. */
const maxWindow = 64;

/** The needles, made ready. Holds no place in any stream: a reader keeps the state of its own. */
export class Matcher {
  /** bytes that all needles have at least, at most 64; 0 when there are none */
  readonly #window: number;
  /** by pair of bytes: how far the window may move */
  readonly #jumps = new Uint8Array(65_536);
  /** by pair of bytes: whether a needle begins with it */
  readonly #begins = new Uint8Array(65_536);
  readonly #rootChild = new Int32Array(256);
  // the automaton: children are linked lists, since nearly every state has one; state 0 is the root
  readonly #byte: Uint8Array;
  readonly #firstChild: Int32Array;
  readonly #nextSibling: Int32Array;
  readonly #fail: Int32Array;
  readonly #depth: Int32Array;
  readonly #matched: Int32Array;
  #states = 1;

  /** @param needles of at least 2 bytes each */
  constructor(needles: readonly Uint8Array[]) {
    const capacity = needles.reduce((sum, needle) => sum + needle.length, 1);
    this.#window = needles.length === 0 ? 0 : Math.min(maxWindow, ...needles.map(({ length }) => length));
    this.#byte = new Uint8Array(capacity);
    this.#firstChild = new Int32Array(capacity);
    this.#nextSibling = new Int32Array(capacity);
    this.#fail = new Int32Array(capacity);
    this.#depth = new Int32Array(capacity);
    this.#matched = new Int32Array(capacity);
    this.#jumps.fill(Math.max(1, this.#window - 1));
    for (const needle of needles) this.#add(needle);
    this.#link();
  }

  /** How many bytes before the reader's place may belong to a needle that is not complete yet. */
  openBytes(state: number): number {
    return this.#depth[state] ?? 0;
  }

  /**
   * Reads bytes.
   * @param from   where to begin in `bytes`
   * @param state  what the last call gave for the bytes before; 0 at the beginning
   * @param found  told of every place where needles end: the longest one there, as [start, end) in `bytes`; the start is
   *               negative when it lies before them
   * @returns the state behind the last byte
   */
  read(bytes: Uint8Array, from: number, state: number, found: (start: number, end: number) => void): number {
    if (this.#window === 0) return 0;
    let now = state;
    for (let at = from; at < bytes.length; ) {
      if (now === 0) {
        at = this.#skip(bytes, at);
        if (at >= bytes.length) break;
      }
      now = this.#step(now, bytes[at] ?? 0);
      at += 1;
      const length = this.#matched[now] ?? 0;
      if (length > 0) found(at - length, at);
    }
    return now;
  }

  /** The next place from which on a needle may begin: there, or behind it where too few bytes are left to tell. */
  #skip(bytes: Uint8Array, from: number): number {
    const [window, jumps] = [this.#window, this.#jumps];
    const size = bytes.length;
    let last = from + window - 1;
    while (last < size) {
      // every index lies inside: `?? 0` is for the compiler
      const jump = jumps[((bytes[last - 1] ?? 0) << 8) | (bytes[last] ?? 0)] ?? 1;
      if (jump > 0) last += jump;
      else if (this.#beginsAt(bytes, last - window + 1)) return last - window + 1;
      else last += 1;
    }
    return last - window + 1;
  }

  #beginsAt(bytes: Uint8Array, at: number): boolean {
    return this.#begins[((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)] === 1;
  }

  #step(state: number, byte: number): number {
    for (let from = state; from !== 0; from = this.#fail[from] ?? 0) {
      const child = this.#child(from, byte);
      if (child !== 0) return child;
    }
    return this.#rootChild[byte] ?? 0;
  }

  #child(state: number, byte: number): number {
    let child = this.#firstChild[state] ?? 0;
    while (child !== 0 && this.#byte[child] !== byte) child = this.#nextSibling[child] ?? 0;
    return child;
  }

  #add(needle: Uint8Array): void {
    for (let at = 0; at + 1 < this.#window; at++) {
      const pair = ((needle[at] ?? 0) << 8) | (needle[at + 1] ?? 0);
      this.#jumps[pair] = Math.min(this.#jumps[pair] ?? 0, this.#window - 2 - at);
      if (at === 0) this.#begins[pair] = 1;
    }
    let state = 0;
    for (const byte of needle) {
      const known = state === 0 ? (this.#rootChild[byte] ?? 0) : this.#child(state, byte);
      state = known !== 0 ? known : this.#grow(state, byte);
    }
    this.#matched[state] = needle.length;
  }

  #grow(parent: number, byte: number): number {
    const state = this.#states;
    this.#states += 1;
    this.#byte[state] = byte;
    this.#depth[state] = (this.#depth[parent] ?? 0) + 1;
    this.#nextSibling[state] = this.#firstChild[parent] ?? 0;
    this.#firstChild[parent] = state;
    if (parent === 0) this.#rootChild[byte] = state;
    return state;
  }

  /** Breadth first: a state fails to the longest proper end of its path that is a path too. */
  #link(): void {
    const queue = new Int32Array(this.#states);
    for (let read = 0, write = 1; read < write; read++) {
      const parent = queue[read] ?? 0;
      for (let child = this.#firstChild[parent] ?? 0; child !== 0; child = this.#nextSibling[child] ?? 0) {
        queue[write] = child;
        write += 1;
        const fail = parent === 0 ? 0 : this.#step(this.#fail[parent] ?? 0, this.#byte[child] ?? 0);
        this.#fail[child] = fail;
        // the state's own needle is longer than any that ends inside it
        if (this.#matched[child] === 0) this.#matched[child] = this.#matched[fail] ?? 0;
      }
    }
  }
}
