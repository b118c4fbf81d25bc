/**
 * Finds many needles in bytes, in linear time and without looking at most of them.
 *
 * A hashed table of four bytes in a row says how far one may jump without passing the beginning of any needle; where it
 * allows no jump, an Aho-Corasick automaton reads on until no needle is open any more. Four, because two hundred secrets in
 * all their forms hold nearly every pair of letters, and few of all runs of four.
 *
 * @see Wu and Manber, "A fast algorithm for multi-pattern searching", 1994 (the jumps)
 * @see Aho and Corasick, "Efficient string matching", 1975 (the automaton)
 */

/** How many bytes are looked up at once. */
const block = 4;
/** Longest beginning of a needle that the table knows; bytes. */
const maxWindow = 32;
/** In the table: a needle may begin with this block. The bits below it are the jump. */
const beginsBit = 0x80;
/** Spreads neighbouring blocks over the table. @see Knuth, The Art of Computer Programming, volume 3, 6.4 */
const multiplier = 0x9e3779b1;
const [leastTableBits, mostTableBits] = [14, 20];

/** The needles, made ready. Holds no place in any stream: a reader keeps the state of its own. */
export class Matcher {
  /** of the longest needle; 0 when there are none */
  readonly longestBytes: number;
  /** bytes of every needle that the table knows: as many as all have, at most 32; 0 when there are none */
  readonly #window: number;
  /** by hash of a block: how far the window may move, and whether a needle begins with it */
  readonly #table: Uint8Array;
  readonly #shift: number;
  readonly #rootChild = new Int32Array(256);
  // the automaton: children are linked lists, since nearly every state has one; state 0 is the root
  #byte: Uint8Array;
  #firstChild: Int32Array;
  #nextSibling: Int32Array;
  readonly #fail: Int32Array;
  #depth: Int32Array;
  #matched: Int32Array;
  #states = 1;

  /** @param needles of at least 4 bytes each */
  constructor(needles: readonly Uint8Array[]) {
    const capacity = needles.reduce((sum, needle) => sum + needle.length, 1);
    this.longestBytes = needles.reduce((longest, { length }) => Math.max(longest, length), 0);
    this.#window = needles.length === 0 ? 0 : Math.min(maxWindow, ...needles.map(({ length }) => length));
    const blocks = needles.length * (this.#window - block + 1);
    // four places for each block: more would be sparser, and too large for the nearest cache
    const bits = Math.min(mostTableBits, Math.max(leastTableBits, Math.ceil(Math.log2(blocks * 4 + 1))));
    this.#shift = 32 - bits;
    this.#table = new Uint8Array(2 ** bits).fill(Math.max(1, this.#window - block + 1));
    this.#byte = new Uint8Array(capacity);
    this.#firstChild = new Int32Array(capacity);
    this.#nextSibling = new Int32Array(capacity);
    this.#depth = new Int32Array(capacity);
    this.#matched = new Int32Array(capacity);
    for (const needle of needles) this.#add(needle);
    this.#trim();
    this.#fail = new Int32Array(this.#states);
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
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let now = state;
    for (let at = from; at < bytes.length; ) {
      if (now === 0) {
        at = this.#skip(view, at);
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
  #skip(view: DataView, from: number): number {
    const [toBlock, table, shift] = [this.#window - block, this.#table, this.#shift];
    const farthest = toBlock + 1;
    const last = view.byteLength - this.#window;
    let at = from;
    while (at <= last) {
      // every index lies inside: `?? 1` is for the compiler
      const entry = table[Math.imul(view.getInt32(at + toBlock, true), multiplier) >>> shift] ?? 1;
      if (entry === farthest) {
        // by far the most: a jump that does not wait for the table, since the processor foresees it
        at += farthest;
        continue;
      }
      const jump = entry & ~beginsBit;
      if (jump > 0) at += jump;
      else if (this.#beginsAt(view, at)) return at;
      else at += 1;
    }
    return at;
  }

  #beginsAt(view: DataView, at: number): boolean {
    const place = Math.imul(view.getInt32(at, true), multiplier) >>> this.#shift;
    return ((this.#table[place] ?? 0) & beginsBit) !== 0;
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
    const view = new DataView(needle.buffer, needle.byteOffset, needle.byteLength);
    for (let at = 0; at + block <= this.#window; at++) {
      const place = Math.imul(view.getInt32(at, true), multiplier) >>> this.#shift;
      const entry = this.#table[place] ?? 0;
      const jump = Math.min(entry & ~beginsBit, this.#window - block - at);
      this.#table[place] = (entry & beginsBit) | (at === 0 ? beginsBit : 0) | jump;
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

  /** Gives back what was not needed: forms of one secret have much in common. */
  #trim(): void {
    this.#byte = this.#byte.slice(0, this.#states);
    this.#firstChild = this.#firstChild.slice(0, this.#states);
    this.#nextSibling = this.#nextSibling.slice(0, this.#states);
    this.#depth = this.#depth.slice(0, this.#states);
    this.#matched = this.#matched.slice(0, this.#states);
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
