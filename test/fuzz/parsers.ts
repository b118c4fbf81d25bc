/**
 * What every parser of bytes from outside must keep, as one table row each: it throws nothing but its own refusals, gives
 * nothing that its type does not allow, and takes a megabyte in a time that grows with the length only.
 *
 * Each row gets the same hundred random inputs in every run. KERUTA_FUZZ_CASES asks for another number of others; a failure
 * prints its seed and path, to be given back as KERUTA_FUZZ_SEED.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { heldUp } from '../faults/lab/starvation.ts';

/** One parser. */
export interface ParserRow<T> {
  /** what it reads; the subject of the titles */
  readonly name: string;
  /** what people and programs send it; random inputs are made by damaging them */
  readonly samples: readonly string[];
  readonly parse: (text: string) => T | Promise<T>;
  /** the errors that say no; default none */
  readonly refusals?: readonly (abstract new (
    ...given: never[]
  ) => Error)[];
  /** fails when a result is none of those that the type and the doc comment allow */
  readonly check?: (value: T, text: string) => void;
  /** how long the largest input is; default 1 Mi characters */
  readonly maxLength?: number;
}

/** Gives the compiler the type of a row's results; returns it as it is. */
export const row = <T>(one: ParserRow<T>): ParserRow<unknown> => one as ParserRow<unknown>;

const cases = Number(process.env.KERUTA_FUZZ_CASES ?? 100);
const seed =
  process.env.KERUTA_FUZZ_SEED ?? (process.env.KERUTA_FUZZ_CASES === undefined ? '20261121' : undefined);

/** Settings of fast-check. @param share  of the usual number of cases; default 1 */
export const settings = (share = 1) => ({
  numRuns: Math.max(5, Math.ceil(cases * share)),
  ...(seed === undefined ? {} : { seed: Number(seed) }),
});
/** How long a test of random cases may take; ms. */
export const timeoutMs = 20_000 + cases * 50;

const odd = [
  ...[
    '\0',
    '\n',
    '\r\n',
    '\t',
    '\u001b',
    '\u001e',
    '\u001f',
    '\u007f',
    '\u009b',
    '\u00a0',
    '\u2028',
    '\u202e',
  ],
  ...[
    '"',
    "'",
    '\\',
    '/',
    '//',
    '..',
    '.',
    '-',
    '--',
    '@',
    ':',
    ';',
    ',',
    '%',
    '%00',
    '{',
    '}',
    '[',
    ']',
    '*',
    '&',
  ],
  ...['\n@', '@{', '\ud800', '\udc00', '\ufeff', 'é', 'e\u0301', '９', '𝄞', ' ', '0', '-1', '1e999', 'NaN'],
  ...['9'.repeat(16), '9'.repeat(400), 'null', '__proto__', 'constructor', 'toString', '<<', '$(id)', '`id`'],
];

/** A text of the samples with up to six places damaged, or any text. */
export function damaged(samples: readonly string[]): fc.Arbitrary<string> {
  const edit = fc.tuple(fc.nat(), fc.nat(5), fc.nat(12), fc.constantFrom(...odd));
  const edited = fc
    .tuple(fc.constantFrom(...samples), fc.array(edit, { maxLength: 6 }))
    .map(([sample, edits]) => edits.reduce(apply, sample));
  return fc.oneof(
    { weight: 6, arbitrary: edited },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    { weight: 1, arbitrary: fc.string() },
    { weight: 1, arbitrary: fc.constantFrom('', ...odd) },
  );
}

function apply(
  text: string,
  [place, what, length, piece]: readonly [number, number, number, string],
): string {
  const at = place % (text.length + 1);
  const [before, behind] = [text.slice(0, at), text.slice(at)];
  if (what === 0) return before + behind.slice(length);
  if (what === 1) return before + text.slice(at, at + length) + behind;
  if (what === 2) return before;
  return before + piece + behind.slice(what === 3 ? piece.length : 0);
}

type LongText = (length: number) => string;

/**
 * Texts that cost a careless parser the square of their length: one sign, or one sample, again and again; in front of it
 * what makes a parser begin, behind it what makes it fail.
 */
function longTexts(samples: readonly string[]): LongText[] {
  const signs = [...new Set([...samples.join(''), ...' /-.@:0a\n"[{(%\\'])].slice(0, 40);
  const [first = ''] = samples;
  return [
    ...signs.map((sign) => (length: number) => `${first}${sign.repeat(length / sign.length)}!`),
    ...samples.map((one) => (length: number) => one.repeat(Math.max(1, length / (one.length || 1)))),
    ...['[', '{"a":', '('].map((open) => (length: number) => open.repeat(length / open.length)),
  ];
}

/** Runs the rows of a table: two tests each. */
export function fuzzParsers(title: string, rows: readonly ParserRow<unknown>[]): void {
  describe(title, () => {
    test.each(rows.map((one) => [one.name, one] as const))(
      '%s: whatever comes is read or refused, never anything else',
      async (_name, one) => {
        const property = fc.asyncProperty(damaged(one.samples), (text) => readOnce(one, text));
        await fc.assert(property, settings());
        expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      },
      timeoutMs,
    );

    test.each(rows.map((one) => [one.name, one] as const))(
      '%s: the time grows with the length of the text, not with its square',
      async (_name, one) => {
        const most = one.maxLength ?? 1024 * 1024;
        const took: { readonly make: LongText; readonly tookMs: number }[] = [];
        for (const make of longTexts(one.samples))
          took.push({ make, tookMs: await timeOf(one, make(most / 32)) });
        // a bad parser has failed by now and does not hold the test for an hour; the slowest are looked at in full
        const slowest = took.sort((a, b) => b.tookMs - a.tookMs).slice(0, 2);
        for (const { make } of slowest) await timeOf(one, make(most));
      },
      timeoutMs,
    );
  });
}

/** @returns ms; fails when it is far above what a parser takes that looks at each character a few times */
async function timeOf(one: ParserRow<unknown>, text: string): Promise<number> {
  const [begin, held] = [performance.now(), heldUp()];
  await parse(one, text);
  const tookMs = Math.max(0, performance.now() - begin - held());
  const shown = `${JSON.stringify(text.slice(0, 60))} and so on, ${text.length} characters`;
  // a square of 32 Ki takes seconds, and such a parser takes a few ms; the rest is for a busy machine
  expect(tookMs, shown).toBeLessThan(500 + text.length / 100);
  return tookMs;
}

async function readOnce(one: ParserRow<unknown>, text: string): Promise<void> {
  const read = await parse(one, text);
  if (read !== null) one.check?.(read.value, text);
}

/** Null when the parser refused the text. */
async function parse(one: ParserRow<unknown>, text: string): Promise<{ readonly value: unknown } | null> {
  try {
    return { value: await one.parse(text) };
  } catch (error) {
    if (one.refusals?.some((refusal) => error instanceof refusal)) return null;
    throw new Error(`${one.name} threw what it may not: ${String(error)}`, { cause: error });
  }
}
