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

const lateValues = ['bbabab', 'aaaabb', 'babaabba', 'bbbbbb', 'ababab', 'baabaa', 'abaabb'];

describe('masking', () => {
  test('hides a secret wherever the stream is cut, and keeps every length', () => {
    fc.assert(
      fc.property(letters, fc.array(fc.nat(80)), (text, cuts) => {
        const masker = maskingOf(secrets).stream('stdout', { readAt: 0 });
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
        const masker = masking.stream('stdout', { readAt: from });
        const out = Buffer.concat([masker.push(Buffer.from(text.slice(from))), masker.end()]);
        expect(out.subarray(at - from).toString()).toBe(maskWhole(text, secrets).slice(at));
      }),
    );
  });

  test('holds back only what may begin a secret', () => {
    const masker = maskingOf(['hunter2']).stream('stdout', { readAt: 0 });
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
        const masker = masking.stream(name, { readAt: 0 });
        return Buffer.concat([masker.push(Buffer.from('hunter2 hunter2')), masker.end()]).toString();
      };
      expect([mask('stdout'), mask('stderr')]).toEqual(['hunter2 *******', '******* *******']);
      expect(masking.text('it is hunter2')).toBe('it is *******');
    });

    test('reaches the maskers that are under way, and keeps what was known before', () => {
      const masking = maskingOf(['abacab']);
      const masker = masking.stream('stdout', { readAt: 0 });
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
        const masker = masking.stream('stdout', { readAt: from });
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

    test('is masked in what overlaps another secret too', () => {
      const masking = maskingOf(['abcdef'], [{ value: 'defghi', from: { stdout: 0, stderr: 0 } }]);
      const masker = masking.stream('stdout', { readAt: 0 });
      expect(Buffer.concat([masker.push(Buffer.from('abcdefghi.')), masker.end()]).toString()).toBe(
        '*********.',
      );
      expect(masking.text('abcdefghi.')).toBe('*********.');
    });

    test('is never masked in what is out already, and says from where on it is', () => {
      const masking = maskingOf([]);
      const masker = masking.stream('stdout', { readAt: 0 });
      expect(Buffer.from(masker.push(Buffer.from('hunter2 hunter2 '))).toString()).toBe('hunter2 hunter2 ');
      expect(masking.add({ value: 'hunter2', from: { stdout: 3, stderr: 5 } })).toMatchObject({
        from: { stdout: 16, stderr: 5 },
      });
      expect(masking.add({ value: 'hunter2', from: { stdout: 20, stderr: 20 } })).toBeNull();
      const again = masking.stream('stdout', { readAt: 0 });
      expect(Buffer.from(again.push(Buffer.from('hunter2 hunter2 hunter2'))).toString()).toBe(
        'hunter2 hunter2 *******',
      );
    });

    test('S-28: masks the same whenever it is told, however the stream is cut', () => {
      const step = fc.tuple(fc.nat(12), fc.option(fc.constantFrom(...lateValues), { freq: 2 }), fc.nat(12));
      fc.assert(
        fc.property(letters, fc.array(step, { maxLength: 14 }), (text, steps) => {
          const bytes = Buffer.from(text);
          const masking = maskingOf(['aabb', 'abbaab']);
          const masker = masking.stream('stdout', { readAt: 0 });
          const known = [{ value: 'abbaab', from: 0 }];
          const out: Uint8Array[] = [];
          let at = 0;
          for (const [length, value, from] of steps) {
            // a script adds a secret at a place that the agent may not have reached, or is past already
            const taken =
              value === null ? null : masking.add({ value, from: { stdout: at + from - 6, stderr: 0 } });
            if (taken !== null) known.push({ value: taken.value, from: taken.from.stdout });
            out.push(masker.push(bytes.subarray(at, at + length)));
            at = Math.min(bytes.length, at + length);
          }
          out.push(masker.push(bytes.subarray(at)), masker.end());
          const wanted = Buffer.from(text);
          for (const { value, from } of known) {
            for (
              let found = bytes.indexOf(value, Math.max(0, from));
              found !== -1;
              found = bytes.indexOf(value, found + 1)
            ) {
              wanted.fill('*', found, found + value.length);
            }
          }
          expect(Buffer.concat(out).toString()).toBe(wanted.toString());

          const late = known
            .slice(1)
            .map(({ value, from }) => ({ value, from: { stdout: from, stderr: 0 } }));
          const again = maskingOf(['aabb', 'abbaab'], late).stream('stdout', { readAt: 0 });
          expect(Buffer.concat([again.push(bytes), again.end()]).toString()).toBe(wanted.toString());
        }),
        { numRuns: 3000 },
      );
    });
  });
});
