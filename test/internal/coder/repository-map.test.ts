import fc from 'fast-check';
import { expect, test } from 'vitest';
import { repositoryMap } from '../../../internal/coder/repository-map.ts';

test('a small repository is listed whole, directories first, whatever the order of its paths', () => {
  const text = 'src/\n  deep/\n    b.ts\n  a.ts\nREADME.md\n';
  const paths = ['src/deep/b.ts', 'README.md', 'src/a.ts'];
  expect([repositoryMap(paths), repositoryMap(paths.toReversed())]).toEqual([text, text]);
});

test('what has no room is told by its number, the deepest first', () => {
  const deep = Array.from({ length: 50 }, (_, at) => `src/deep/file-${at}.ts`);
  expect(repositoryMap(['src/a.ts', 'b', ...deep], 200)).toBe('src/\n  deep/ (50 files)\n  a.ts\nb\n');
  const many = Array.from({ length: 20 }, (_, at) => `src/file-number-${at}.ts`);
  expect(repositoryMap(['b', ...many], 200)).toBe('src/ (20 files)\nb\n');
});

test('a top that is too long is cut, and says by how much', () => {
  const names = Array.from({ length: 100 }, (_, at) => `file-${String(at).padStart(2, '0')}`);
  const text = repositoryMap(names, 200);
  expect(text).toMatch(/^file-00\nfile-01\n/);
  const [, missing] = /\(and (\d+) files more, for which there is no room\)\n$/.exec(text) ?? [];
  expect(text.split('\n').length - 2 + Number(missing)).toBe(100);
});

test('an empty repository says so', () => {
  expect(repositoryMap([])).toBe('(no files)\n');
});

test('the room is kept, and every file is named or counted', () => {
  const part = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '中', '.'), minLength: 1, maxLength: 8 });
  const path = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'));
  const property = fc.property(
    fc.uniqueArray(path, { maxLength: 80 }),
    fc.integer({ min: 200, max: 2000 }),
    (paths, maxBytes) => {
      const text = repositoryMap(paths, maxBytes);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxBytes);
      if (paths.length === 0) return;
      const counted = text
        .split('\n')
        .slice(0, -1)
        .map((line) => {
          const [, count] = /\((?:and )?(\d+) files?(?: more, .*)?\)$/.exec(line) ?? [];
          return count === undefined ? (line.endsWith('/') ? 0 : 1) : Number(count);
        });
      expect(counted.reduce((sum, count) => sum + count, 0)).toBe(paths.length);
    },
  );
  fc.assert(property, { seed: 20261121, numRuns: 200 });
});
