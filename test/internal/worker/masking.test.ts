import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskingOf } from '../../../internal/worker/masking.ts';

/** The plain way: the whole text at once. */
function maskWhole(text: string, secrets: readonly string[]): string {
  const bytes = Buffer.from(text);
  const out = Buffer.from(text);
  for (const secret of secrets) {
    for (let at = bytes.indexOf(secret); at !== -1; at = bytes.indexOf(secret, at + 1)) {
      out.fill('*', at, at + Buffer.byteLength(secret));
    }
  }
  return out.toString();
}

const secrets = ['ababab', 'babaabba', 'aaaaaaa'];
const letters = fc.array(fc.constantFrom('a', 'b'), { maxLength: 80 }).map((all) => all.join(''));

describe('masking', () => {
  test('hides a secret wherever the stream is cut, and keeps every length', () => {
    fc.assert(
      fc.property(letters, fc.array(fc.nat(80)), (text, cuts) => {
        const masker = maskingOf(secrets).stream('stdout', 0);
        const places = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length];
        const out = places
          .slice(1)
          .map((to, index) => masker.push(Buffer.from(text.slice(places[index], to))));
        expect(Buffer.concat([...out, masker.end()]).toString()).toBe(maskWhole(text, secrets));
      }),
    );
  });

  test('gives the same bytes behind a position when it begins as far before it as it says', () => {
    fc.assert(
      fc.property(letters, fc.nat(80), (text, place) => {
        const masking = maskingOf(secrets);
        const at = Math.min(place, text.length);
        const from = Math.max(0, at - masking.overlapBytes);
        const masker = masking.stream('stdout', from);
        const out = Buffer.concat([masker.push(Buffer.from(text.slice(from))), masker.end()]);
        expect(out.subarray(at - from).toString()).toBe(maskWhole(text, secrets).slice(at));
      }),
    );
  });

  test('holds back only what may begin a secret', () => {
    const masker = maskingOf(['hunter2']).stream('stdout', 0);
    expect(Buffer.from(masker.push(Buffer.from('plain hun'))).toString()).toBe('plain ');
    expect(Buffer.from(masker.push(Buffer.from('ger'))).toString()).toBe('hunger');
  });

  test('hides the lines of a secret that has several', () => {
    expect(maskingOf(['first line\nsecond line']).text('x second line y')).toBe('x *********** y');
  });

  test('passes everything on when there is no secret', () => {
    expect(maskingOf([]).text('anything')).toBe('anything');
  });

  describe('of a secret that becomes known later', () => {
    const late = { value: 'hunter2', from: { stdout: 8, stderr: 0 } };

    test('begins at its place, in each stream', () => {
      const masking = maskingOf([], [late]);
      const mask = (name: 'stdout' | 'stderr') => {
        const masker = masking.stream(name, 0);
        return Buffer.concat([masker.push(Buffer.from('hunter2 hunter2')), masker.end()]).toString();
      };
      expect([mask('stdout'), mask('stderr')]).toEqual(['hunter2 *******', '******* *******']);
      expect(masking.text('it is hunter2')).toBe('it is *******');
    });

    test('reaches the maskers that are under way, and keeps what was known before', () => {
      const masking = maskingOf(['abacab']);
      const masker = masking.stream('stdout', 0);
      const out = [Buffer.from(masker.push(Buffer.from('hunter2 aba')))];
      masking.add(late);
      masking.add(late);
      out.push(
        Buffer.from(masker.push(Buffer.from('cab hun'))),
        Buffer.from(masker.push(Buffer.from('ter2'))),
      );
      expect(Buffer.concat([...out, masker.end()]).toString()).toBe('hunter2 ****** *******');
    });

    test('gives the same bytes behind a position when it begins as far before it as it says', () => {
      const whole = (text: string, masking: ReturnType<typeof maskingOf>, from: number) => {
        const masker = masking.stream('stdout', from);
        return Buffer.concat([masker.push(Buffer.from(text.slice(from))), masker.end()]);
      };
      fc.assert(
        fc.property(letters, fc.nat(80), fc.nat(80), (text, place, begins) => {
          const secret = { value: 'bbabab', from: { stdout: begins, stderr: 0 } };
          const masking = maskingOf(secrets, [secret]);
          const at = Math.min(place, text.length);
          const from = Math.max(0, at - masking.overlapBytes);
          const again = whole(text, masking, from).subarray(at - from);
          expect(again.toString()).toBe(whole(text, masking, 0).subarray(at).toString());
        }),
      );
    });
  });
});
