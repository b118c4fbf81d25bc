/**
 * Random secrets in random streams, the same 20,000 in every run. KERUTA_FUZZ_CASES asks for another number of others; a
 * failure prints its seed and path, to be given back as KERUTA_FUZZ_SEED.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeRedactor, type Redactor } from '../../../pkg/redact/redactor.ts';
import {
  cut,
  decidedPlainly,
  fewCases,
  formsOfAll,
  manyCases,
  manySecrets,
  maskPlainly,
  type StreamCase,
} from './redact-cases.ts';

const cases = Number(process.env.KERUTA_FUZZ_CASES ?? 20_000);
const seed =
  process.env.KERUTA_FUZZ_SEED ?? (process.env.KERUTA_FUZZ_CASES === undefined ? '20261121' : undefined);
const settings = (numRuns: number) => ({
  numRuns: Math.ceil(numRuns),
  ...(seed === undefined ? {} : { seed: Number(seed) }),
});
const timeoutMs = 30_000 + cases * 5;

const redactorOf = (values: readonly string[]) =>
  makeRedactor(values.map((value, index) => ({ name: `S${index}`, value })));

/** Cheap comparison: `toEqual` takes longer than what is tested. */
function same(got: Uint8Array, wanted: Uint8Array, what: string): void {
  if (Buffer.compare(got, wanted) !== 0)
    expect(Buffer.from(got).toString('latin1'), what).toBe(Buffer.from(wanted).toString('latin1'));
}

function inPieces(redactor: Redactor, pieces: Iterable<Uint8Array>): Buffer {
  const stream = redactor.stream();
  const out = [...pieces].map((piece) => stream.push(piece));
  return Buffer.concat([...out, stream.end()]);
}

function check(redactor: Redactor, forms: readonly Uint8Array[], one: StreamCase): void {
  const wanted = maskPlainly(forms, one.bytes);
  const masked = inPieces(redactor, cut(one));
  same(masked, wanted, 'masked in pieces');
  same(inPieces(redactor, [one.bytes]), wanted, 'masked at once');
  for (const form of forms) {
    if (!form.includes(0x2a) && masked.includes(Buffer.from(form))) throw new Error('a form is left');
  }
}

describe('S-28: a masked stream', () => {
  test('holds no form of a secret, and is otherwise the same, however it is cut', {
    timeout: timeoutMs,
  }, () => {
    fc.assert(
      fc.property(fewCases, (one) => check(redactorOf(one.values), formsOfAll(one.values), one)),
      settings(cases * 0.8),
    );
  });

  test('is the same with two hundred secrets', { timeout: timeoutMs }, () => {
    const [redactor, forms] = [redactorOf(manySecrets), formsOfAll(manySecrets)];
    fc.assert(
      fc.property(manyCases, (one) => {
        const wanted = maskPlainly(forms, one.bytes);
        same(inPieces(redactor, cut(one)), wanted, 'masked in pieces');
      }),
      settings(Math.min(cases / 40, 20_000)),
    );
  });

  test('is the same at every single border, and byte by byte', { timeout: timeoutMs }, () => {
    fc.assert(
      fc.property(fewCases, (one) => {
        const redactor = redactorOf(one.values);
        const wanted = inPieces(redactor, [one.bytes]);
        for (let at = 1; at < one.bytes.length; at++) {
          same(
            inPieces(redactor, [one.bytes.subarray(0, at), one.bytes.subarray(at)]),
            wanted,
            `cut at ${at}`,
          );
        }
        const single = Array.from(one.bytes, (_, at) => one.bytes.subarray(at, at + 1));
        same(inPieces(redactor, single), wanted, 'byte by byte');
      }),
      settings(cases * 0.05),
    );
  });

  test('gives at once what is decided, and holds back nothing else', { timeout: timeoutMs }, () => {
    fc.assert(
      fc.property(fewCases, (one) => {
        const [stream, forms] = [redactorOf(one.values).stream(), formsOfAll(one.values)];
        let [taken, given] = [0, 0];
        for (const piece of cut(one)) {
          taken += piece.length;
          given += stream.push(piece).length;
          expect(given).toBe(decidedPlainly(forms, one.bytes.subarray(0, taken)));
        }
      }),
      settings(cases * 0.1),
    );
  });

  test('is the same from any place on, when reading begins as far before it as is asked for', {
    timeout: timeoutMs,
  }, () => {
    fc.assert(
      fc.property(fewCases, fc.nat(), (one, place) => {
        const redactor = redactorOf(one.values);
        const at = place % (one.bytes.length + 1);
        const from = Math.max(0, at - redactor.overlapBytes);
        const again = inPieces(redactor, [one.bytes.subarray(from)]);
        same(again.subarray(at - from), inPieces(redactor, [one.bytes]).subarray(at), `from ${at}`);
      }),
      settings(cases * 0.05),
    );
  });
});
