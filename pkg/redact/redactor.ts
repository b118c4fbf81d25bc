/**
 * Masks secrets in output: every byte of every form of a secret becomes `*`, so an offset means the same before and after.
 * (This shows how long the secret is.) What is masked depends on the bytes alone, not on how they are cut into pieces.
 */
import { formsOf, minSecretBytes } from './forms.ts';
import { Matcher } from './matcher.ts';

/** A value that must not be seen. */
export interface NamedSecret {
  /** what to call it in a warning; never secret itself */
  readonly name: string;
  readonly value: string;
}

/** Masks one stream, in order. */
export interface StreamRedactor {
  /**
   * Takes the next bytes; gives those that are decided. A tail that may begin a secret is held back, however long nothing
   * follows. The bytes given may share memory with those taken, which are left as they are.
   */
  push(bytes: Uint8Array): Uint8Array;
  /** Gives what was held back: the stream is over. */
  end(): Uint8Array;
}

/** Masks everything in which a set of secrets may turn up. */
export interface Redactor {
  /** how far before a place reading must begin, so that a secret across it is found: the longest form less one; bytes */
  readonly overlapBytes: number;
  /** names of the secrets that are shorter than 6 bytes and are not masked; empty ones are not named */
  readonly refused: readonly string[];
  /** A redactor for a stream, from wherever reading begins. */
  stream(): StreamRedactor;
  /** Masks a text. */
  text(text: string): string;
}

const asterisk = 0x2a;
const nothing = Buffer.alloc(0);

/** Makes a redactor. A secret that is added later needs a new one. */
export function makeRedactor(secrets: readonly NamedSecret[]): Redactor {
  const isShort = ({ value }: NamedSecret) => Buffer.byteLength(value) < minSecretBytes;
  const values = new Set(secrets.filter((secret) => !isShort(secret)).map(({ value }) => value));
  const forms = [...values].flatMap(formsOf);
  // built with the first bytes: a run that says nothing does not pay for it
  let built: Matcher | null = null;
  const matcher = (): Matcher => {
    built ??= new Matcher(forms);
    return built;
  };
  return {
    overlapBytes: forms.reduce((longest, form) => Math.max(longest, form.length - 1), 0),
    refused: secrets.filter((secret) => secret.value !== '' && isShort(secret)).map(({ name }) => name),
    stream: () => new MatchingRedactor(matcher),
    text: (text) => {
      const stream = new MatchingRedactor(matcher);
      return Buffer.concat([stream.push(Buffer.from(text)), stream.end()]).toString();
    },
  };
}

class MatchingRedactor implements StreamRedactor {
  readonly #matcher: () => Matcher;
  #state = 0;
  /** the end of what is open in the matcher, from the first byte on that is not masked */
  #held: Buffer = nothing;

  constructor(matcher: () => Matcher) {
    this.#matcher = matcher;
  }

  push(bytes: Uint8Array): Uint8Array {
    const matcher = this.#matcher();
    const given = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const before = this.#held.length;
    let data = before === 0 ? given : Buffer.concat([this.#held, given]);
    const found: [number, number][] = [];
    this.#state = matcher.read(data, before, this.#state, (start, end) => {
      // places come in the order of their ends: what overlaps becomes one, so that nothing is filled twice
      let from = Math.max(0, start);
      for (let last = found.at(-1); last !== undefined && last[1] >= from; last = found.at(-1)) {
        from = Math.min(from, last[0]);
        found.pop();
      }
      found.push([from, end]);
    });
    if (found.length > 0 && before === 0) data = Buffer.from(data);
    let decided = data.length - matcher.openBytes(this.#state);
    for (const [start, end] of found) {
      data.fill(asterisk, start, end);
      // what is masked is decided, also when it may begin another secret
      if (start <= decided && end > decided) decided = end;
    }
    this.#held = Buffer.from(data.subarray(Math.max(0, decided)));
    return data.subarray(0, Math.max(0, decided));
  }

  end(): Uint8Array {
    const rest = this.#held;
    this.#held = nothing;
    this.#state = 0;
    return rest;
  }
}
