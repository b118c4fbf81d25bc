import type { Matcher } from './matcher.ts';
import { addRange, type Range, reachOf, unite } from './ranges.ts';

/** Masks one stream, in order. */
export interface StreamRedactor {
  /**
   * Takes the next bytes; gives those that are decided. A tail that may begin a secret is held back, however long nothing
   * follows. The bytes given may share memory with those taken, which are left as they are.
   * @param into  where they are put, from its beginning, when they are others than those taken and there is room for what
   *              is held back too; else, and by default, memory of their own is taken. Whose it is shows by their `buffer`
   */
  push(bytes: Uint8Array, into?: Uint8Array): Uint8Array;
  /** Gives what was held back: the stream is over. */
  end(): Uint8Array;
}

/** Needles that are looked for from a place in the stream on. */
export interface Stage {
  readonly matcher: () => Matcher;
  /** offset in the stream; what begins before it is left as it is */
  readonly from: number;
}

interface OpenStage {
  readonly matcher: Matcher;
  readonly from: number;
  state: number;
}

/** With more stages than this one matcher for all of them is made, as soon as nothing is open. */
const mostStages = 4;
const asterisk = 0x2a;
const nothing: Buffer = Buffer.alloc(0);

/**
 * Masks every byte that belongs to a needle of any stage, wherever needles overlap. What is masked depends on the bytes
 * alone, not on how they are cut into pieces.
 */
export class StreamMask implements StreamRedactor {
  readonly #stages: readonly Stage[];
  readonly #all: (count: number) => Matcher;
  #open: OpenStage[] = [];
  /** how many of the stages are among the open ones, alone or together */
  #opened = 0;
  /** where in the stream the held bytes begin */
  #at: number;
  /** what is not decided yet: as it came, and masked as far as it is known */
  #held: Buffer = nothing;
  #heldMasked: Buffer = nothing;
  /** what is masked of it; sorted, disjoint */
  #masked: readonly Range[] = [];

  /**
   * @param stages  may grow while the stream runs: a new one begins at its own place, or where undecided bytes begin
   * @param how.readAt  offset of the first byte that will be pushed
   * @param how.all     one matcher for the first `count` stages
   */
  constructor(
    stages: readonly Stage[],
    how: { readonly readAt: number; readonly all: (count: number) => Matcher },
  ) {
    this.#stages = stages;
    this.#all = how.all;
    this.#at = how.readAt;
  }

  /** Where in the stream the next byte lies that will be given. */
  get reached(): number {
    return this.#at;
  }

  push(bytes: Uint8Array, into?: Uint8Array): Uint8Array {
    this.#openStages();
    const given = bufferOf(bytes);
    let masked = this.#held.length === 0 ? given : this.#copyOf(given, into);
    const found = this.#read(given, (from, to) => {
      if (masked === given) masked = this.#copyOf(given, into);
      masked.fill(asterisk, from, to);
    });

    const openBytes = this.#open.reduce((most, stage) => Math.max(most, openIn(stage)), 0);
    const sure = Math.max(0, masked.length - openBytes);
    const ranges = unite([...this.#masked, ...found]);
    const decided = reachOf(ranges, sure);
    this.#keep({ given, masked, ranges, decided });
    return masked.subarray(0, decided);
  }

  end(): Uint8Array {
    this.#openStages();
    const rest = this.#heldMasked;
    this.#at += rest.length;
    this.#forget();
    this.#open = [];
    this.#opened = 0;
    return rest;
  }

  /** Holds back what is not decided. */
  #keep(piece: {
    readonly given: Buffer;
    readonly masked: Buffer;
    readonly ranges: readonly Range[];
    readonly decided: number;
  }): void {
    const { given, masked, ranges, decided } = piece;
    const before = this.#held.length;
    this.#at += decided;
    if (decided === masked.length) {
      this.#forget();
      return;
    }
    // copies: what was given may be used again for the next piece
    this.#held = Buffer.concat([
      this.#held.subarray(Math.min(before, decided)),
      given.subarray(Math.max(0, decided - before)),
    ]);
    this.#heldMasked = Buffer.from(masked.subarray(decided));
    this.#masked = ranges
      .filter(([, to]) => to > decided)
      .map(([from, to]): Range => [from - decided, to - decided]);
  }

  #forget(): void {
    this.#held = nothing;
    this.#heldMasked = nothing;
    this.#masked = [];
  }

  /** What is held, as it is masked, and what is given behind it. */
  #copyOf(given: Buffer, into: Uint8Array | undefined): Buffer {
    const before = this.#held.length;
    const copy = roomFor(before + given.length, into);
    copy.set(this.#heldMasked);
    copy.set(given, before);
    return copy;
  }

  /**
   * Lets every stage read on.
   * @param mask  called with all that is to be masked, in places that count from the first held byte
   * @returns what of it is so near to the end that it may matter for what follows: no more of it is kept, since output
   *          may be full of secrets
   */
  #read(given: Buffer, mask: (from: number, to: number) => void): Range[] {
    const before = this.#held.length;
    const longestBytes = this.#open.reduce((most, { matcher }) => Math.max(most, matcher.longestBytes), 0);
    const settled = before + given.length - longestBytes;
    const all: Range[] = [];
    for (const stage of this.#open) {
      const ranges: Range[] = [];
      // places that meet are masked as one
      let [from, to] = [0, 0];
      const take = () => {
        if (to > 0) mask(from, to);
        if (to > settled && to > 0) addRange(ranges, from, to);
      };
      const start = Math.min(given.length, Math.max(0, stage.from - this.#at - before));
      stage.state = stage.matcher.read(given, start, stage.state, (first, end) => {
        const found = Math.max(0, before + first);
        if (found > to) {
          take();
          from = found;
        } else from = Math.min(from, found);
        to = before + end;
      });
      take();
      all.push(...ranges);
    }
    return all;
  }

  /** Takes up stages that came since; what is held is read by them first. */
  #openStages(): void {
    for (const { matcher, from } of this.#stages.slice(this.#opened)) {
      this.#opened += 1;
      const stage: OpenStage = { matcher: matcher(), from: Math.max(from, this.#at), state: 0 };
      this.#open.push(stage);
      if (this.#held.length === 0 || stage.from - this.#at >= this.#held.length) continue;
      const ranges: Range[] = [];
      stage.state = stage.matcher.read(this.#held, stage.from - this.#at, 0, (start, end) => {
        addRange(ranges, start, end);
      });
      for (const [start, end] of ranges) this.#heldMasked.fill(asterisk, start, end);
      this.#masked = unite([...this.#masked, ...ranges]);
    }
    const isQuiet =
      this.#held.length === 0 && this.#open.every((one) => one.state === 0 && one.from <= this.#at);
    if (this.#open.length > mostStages && isQuiet)
      this.#open = [{ matcher: this.#all(this.#opened), from: this.#at, state: 0 }];
  }
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function roomFor(length: number, into: Uint8Array | undefined): Buffer {
  return into === undefined || into.length < length
    ? Buffer.allocUnsafe(length)
    : bufferOf(into).subarray(0, length);
}

function openIn(stage: OpenStage): number {
  return stage.matcher.openBytes(stage.state);
}
