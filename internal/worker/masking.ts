/** Masks one stream, in order. Length-preserving: byte n of the output stands for byte n of the input. */
export interface StreamMasker {
  /** Takes the next bytes; gives those that are decided. A tail that may begin a secret is held back. */
  push(bytes: Uint8Array): Uint8Array;
  /** Gives what was held back: the stream is over. */
  end(): Uint8Array;
}

/** Masks everything of one run. */
export interface Masking {
  /** how far before a position reading must begin so that a secret across it is found; bytes */
  readonly overlapBytes: number;
  /** A masker for a stream, from wherever reading begins. */
  stream(): StreamMasker;
  /** Masks a text. */
  text(text: string): string;
}

const asterisk = 0x2a;
const none = Buffer.alloc(0);

/**
 * Makes the masking of a run: every byte of a secret becomes `*`, as do the lines of one that has several.
 * @param secrets  of at least 6 bytes each
 */
export function maskingOf(secrets: readonly string[]): Masking {
  const forms = new Set(secrets.flatMap((secret) => [secret, ...secret.split(/\r?\n/)]));
  const needles = [...forms].map((form) => Buffer.from(form)).filter((needle) => needle.length >= 6);
  return {
    overlapBytes: Math.max(0, ...needles.map((needle) => needle.length - 1)),
    stream: () => new NeedleMasker(needles),
    text: (text) => {
      const masker = new NeedleMasker(needles);
      return Buffer.concat([masker.push(Buffer.from(text)), masker.end()]).toString();
    },
  };
}

class NeedleMasker implements StreamMasker {
  readonly #needles: readonly Buffer[];
  #held: Buffer = none;
  /** how many of the held bytes are known to be part of a secret already */
  #heldMasked = 0;

  constructor(needles: readonly Buffer[]) {
    this.#needles = needles;
  }

  push(bytes: Uint8Array): Uint8Array {
    if (this.#needles.length === 0) return bytes;
    const data = Buffer.concat([this.#held, bytes]);
    const found = this.#find(data);
    const end = this.#undecidedFrom(data);
    this.#held = Buffer.from(data.subarray(end));
    const masked = Math.max(this.#heldMasked, ...found.map(([, to]) => to));
    data.fill(asterisk, 0, Math.min(end, this.#heldMasked));
    for (const [from, to] of found) data.fill(asterisk, Math.min(from, end), Math.min(to, end));
    this.#heldMasked = Math.max(0, masked - end);
    return data.subarray(0, end);
  }

  end(): Uint8Array {
    const held = this.#held.fill(asterisk, 0, this.#heldMasked);
    this.#held = none;
    this.#heldMasked = 0;
    return held;
  }

  /** Every place of every needle, overlapping ones too. */
  #find(data: Buffer): (readonly [number, number])[] {
    const found: (readonly [number, number])[] = [];
    for (const needle of this.#needles) {
      for (let at = data.indexOf(needle); at !== -1; at = data.indexOf(needle, at + 1)) {
        found.push([at, at + needle.length]);
      }
    }
    return found;
  }

  /** Where the first tail begins that more bytes could make a secret. */
  #undecidedFrom(data: Buffer): number {
    let first = data.length;
    for (const needle of this.#needles) {
      for (let at = Math.max(0, data.length - needle.length + 1); at < first; at++) {
        if (data.compare(needle, 0, data.length - at, at) === 0) first = at;
      }
    }
    return first;
  }
}
