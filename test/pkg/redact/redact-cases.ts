/** Random streams with secrets in them, and what must become of them by the definition alone. */
import fc from 'fast-check';
import { formsOf } from '../../../pkg/redact/forms.ts';

/** A stream and how it is cut. */
export interface StreamCase {
  readonly values: readonly string[];
  readonly bytes: Buffer;
  /** lengths of the pieces, the last one left out */
  readonly pieces: readonly number[];
}

const asterisk = 0x2a;

// two letters, so that secrets overlap, repeat and begin each other
const tight = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 4, maxLength: 14 });
const usual = fc.string({ unit: 'grapheme-ascii', minLength: 5, maxLength: 24 });
const foreign = fc.string({
  unit: fc.constantFrom('é', '日', '𝄞', 'a', ' ', '%', '"'),
  minLength: 3,
  maxLength: 10,
});
const several = fc
  .array(fc.string({ unit: fc.constantFrom('a', 'b', 'K', '=', '\\', "'"), minLength: 2, maxLength: 9 }), {
    minLength: 2,
    maxLength: 4,
  })
  .chain((lines) => fc.constantFrom('\n', '\r\n').map((end) => lines.join(end)));

/** One to five secrets, some of which begin or continue another. */
const fewSecrets = fc
  .array(fc.tuple(fc.oneof(tight, usual, foreign, several), fc.nat(3), fc.nat(9)), {
    minLength: 1,
    maxLength: 5,
  })
  .map((drawn) => {
    const values: string[] = [];
    for (const [value, relation, cut] of drawn) {
      const other = values.at(-1) ?? '';
      if (relation === 1 && other.length > 6) values.push(other.slice(0, 6 + cut));
      else if (relation === 2 && other !== '') values.push(other.slice(cut) + value);
      else values.push(value);
    }
    return values;
  });

/** Two hundred, as a machine with many credentials has them. */
export const manySecrets: readonly string[] = Array.from({ length: 200 }, (_, index) => {
  const body = Buffer.from(`${index * 7919}:${'k'.repeat(index % 5)}${index ** 3}`).toString('base64');
  return ['ghp_', 'sk-', 'p@ss ', 'AKIA', 'ключ-', 'a\nb-'][index % 6] + body;
});

type Part = readonly [what: number, which: number, cut: number, noise: Uint8Array];
const part = fc.tuple(fc.nat(9), fc.nat(), fc.nat(), fc.uint8Array({ maxLength: 12 }));

/** What a stream is made of: noise, whole forms, and beginnings and ends of forms. */
function streamOf(values: readonly string[], parts: readonly Part[]): Buffer {
  const pieces = parts.map(([what, which, cut, noise]) => {
    const value = values[which % values.length] ?? '';
    if (what >= 8) return Buffer.from(noise);
    const forms = Buffer.byteLength(value) < 6 ? [Buffer.from(value)] : formsOf(value);
    const form = Buffer.from(forms[cut % forms.length] ?? []);
    const at = form.length === 0 ? 0 : cut % form.length;
    if (what === 7) return form.subarray(0, at);
    return what === 6 ? form.subarray(at) : form;
  });
  return Buffer.concat(pieces);
}

const caseOf = (values: fc.Arbitrary<readonly string[]>) =>
  fc
    .tuple(values, fc.array(part, { maxLength: 7 }), fc.array(fc.nat(40), { maxLength: 8 }))
    .map(([drawn, parts, pieces]): StreamCase => ({ values: drawn, bytes: streamOf(drawn, parts), pieces }));

/** Streams with few secrets, freshly drawn each time. */
export const fewCases = caseOf(fewSecrets);
/** Streams with the two hundred. */
export const manyCases = caseOf(fc.constant(manySecrets));

/** Every form of every value that is long enough. */
export function formsOfAll(values: readonly string[]): readonly Uint8Array[] {
  return values.filter((value) => Buffer.byteLength(value) >= 6).flatMap(formsOf);
}

/** The definition: every byte of every occurrence of every form, from a place on. */
export function maskPlainly(forms: readonly Uint8Array[], bytes: Buffer, from = 0): Buffer {
  const out = Buffer.from(bytes);
  for (const form of forms) {
    for (let at = bytes.indexOf(form, from); at !== -1; at = bytes.indexOf(form, at + 1)) {
      out.fill(asterisk, at, at + form.length);
    }
  }
  return out;
}

/** How many bytes must be out when these are in: all but a tail that begins a form, and of it what is masked. */
export function decidedPlainly(forms: readonly Uint8Array[], bytes: Buffer): number {
  const longest = Math.max(0, ...forms.map(({ length }) => length));
  const masked = marks(forms, bytes);
  for (let at = Math.max(0, bytes.length - longest); at < bytes.length; at++) {
    const tail = bytes.subarray(at);
    if (!forms.some((form) => tail.equals(form.subarray(0, tail.length)))) continue;
    let decided = at;
    while (decided < bytes.length && masked[decided] === 1) decided += 1;
    return decided;
  }
  return bytes.length;
}

function marks(forms: readonly Uint8Array[], bytes: Buffer): Uint8Array {
  const marked = new Uint8Array(bytes.length);
  for (const form of forms) {
    for (let at = bytes.indexOf(form); at !== -1; at = bytes.indexOf(form, at + 1)) {
      marked.fill(1, at, at + form.length);
    }
  }
  return marked;
}

/** The pieces of a case. */
export function* cut({ bytes, pieces }: StreamCase): Generator<Buffer> {
  let at = 0;
  for (const length of pieces) {
    yield bytes.subarray(at, at + length);
    at = Math.min(bytes.length, at + length);
  }
  yield bytes.subarray(at);
}
