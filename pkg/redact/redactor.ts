/**
 * Masks secrets in output: every byte of every form of a secret becomes `*`, so an offset means the same before and after.
 * (This shows how long the secret is.)
 */
import { formsOf, minSecretBytes } from './forms.ts';
import { Matcher } from './matcher.ts';
import { type Stage, StreamMask, type StreamRedactor } from './stream-mask.ts';

/** A value that must not be seen. */
export interface NamedSecret {
  /** what to call it in a warning; never secret itself */
  readonly name: string;
  readonly value: string;
}

/** Masks everything in which a set of secrets may turn up. */
export interface Redactor {
  /** how far before a place reading must begin, so that a secret across it is found: the longest form less one; bytes */
  readonly overlapBytes: number;
  /** names of the secrets that are shorter than 6 bytes and are not masked; empty ones are not named */
  readonly refused: readonly string[];
  /** All forms, made ready; built at the first call. */
  matcher(): Matcher;
  /** A redactor for a stream, from wherever reading begins. */
  stream(): StreamRedactor;
  /** Masks a text. */
  text(text: string): string;
}

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
  const stages: readonly Stage[] = [{ matcher, from: 0 }];
  const stream = () => new StreamMask(stages, { readAt: 0, all: matcher });
  return {
    overlapBytes: forms.reduce((longest, form) => Math.max(longest, form.length - 1), 0),
    refused: secrets.filter((secret) => secret.value !== '' && isShort(secret)).map(({ name }) => name),
    matcher,
    stream,
    text: (text) => maskWhole(stream(), Buffer.from(text)).toString(),
  };
}

/** Masks values in texts; what that takes is made ready with the first text. @param values  those under 6 bytes are passed over */
export function maskOf(values: readonly string[]): (text: string) => string {
  let made: Redactor | null = null;
  return (text) => {
    made ??= makeRedactor(values.map((value) => ({ name: '', value })));
    const bytes = Buffer.from(text);
    let isFound = false;
    made.matcher().read(bytes, 0, 0, () => {
      isFound = true;
    });
    // in most texts nothing is found, and they need no work
    return isFound ? maskWhole(made.stream(), bytes).toString() : text;
  };
}

/** Masks bytes that are all there. */
export function maskWhole(stream: StreamRedactor, bytes: Uint8Array): Buffer {
  return Buffer.concat([stream.push(bytes), stream.end()]);
}
