import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutMiddle } from '../../../pkg/lines/cut-middle.ts';

test('a text that has room stays as it is', () => {
  expect(cutMiddle('x'.repeat(200), 200)).toBe('x'.repeat(200));
});

test('of a longer one beginning and end stay, and what is missing is told', () => {
  const text = `${'a'.repeat(1000)}${'b'.repeat(1000)}`;
  const cut = cutMiddle(text, 400);
  expect(cut).toMatch(/^a+\n\[… \d+ of 2000 bytes are left out here …\]\nb+$/);
  const missing = Number(/… (\d+) of/.exec(cut)?.[1]);
  expect(cut.replace(/\n.*\n/, '').length + missing).toBe(2000);
  expect(cutMiddle(text, 400, 1)).toMatch(/^a{300}\n.*\nb{0,3}$/);
});

test('no character is torn, and the limit is kept', () => {
  const property = fc.property(
    fc.string({ unit: 'binary', minLength: 200, maxLength: 500 }),
    fc.integer({ min: 200, max: 700 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (text, maxBytes, share) => {
      const cut = cutMiddle(text, maxBytes, share);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(Math.max(maxBytes, 200));
      if (cut === text) return;
      const [head = '', tail = ''] = cut.split(/\n\[… \d+ of \d+ bytes are left out here …\]\n/);
      const whole = Buffer.from(text).toString();
      expect([whole.startsWith(head), whole.endsWith(tail)]).toEqual([true, true]);
    },
  );
  fc.assert(property, { seed: 20261121, numRuns: 100 });
});
