import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FileDiff, parseDiff } from '../../../internal/commit-gate/parse-diff.ts';

/** A file before and after a change; the lines are without their line feeds. */
interface Change {
  readonly path: string;
  readonly top: readonly string[];
  readonly removed: readonly string[];
  readonly added: readonly string[];
  readonly bottom: readonly string[];
  /** whether the file ends without a line feed */
  readonly isOpen: boolean;
}

/** Names as git writes them. @see git's quote.c, quote_c_style */
function quoted(path: string): string {
  const name = `b/${path}`;
  const odd = /["\\]|\p{Cc}/gu;
  if (!odd.test(name)) return name.includes(' ') ? `${name}\t` : name;
  const known: Record<string, string> = {
    '\t': 't',
    '\n': 'n',
    '\r': 'r',
    '"': '"',
    '\\': '\\',
    '\x07': 'a',
  };
  const code = (letter: string) => `\\${known[letter] ?? letter.charCodeAt(0).toString(8).padStart(3, '0')}`;
  return `"${name.replace(odd, code)}"`;
}

/** A change as `git diff` writes it with the whole file as context. */
function render({ path, top, removed, added, bottom, isOpen }: Change): string {
  const lines = [
    ...top.map((text) => ` ${text}`),
    ...removed.map((text) => `-${text}`),
    ...added.map((text) => `+${text}`),
    ...bottom.map((text) => ` ${text}`),
  ];
  const [before, after] = [removed, added].map((own) => top.length + own.length + bottom.length);
  const end = isOpen ? '\\ No newline at end of file\n' : '';
  const head = `diff --git a/x b/x\nindex 1234567..89abcde 100644\n--- a/x\n+++ ${quoted(path)}\n`;
  return `${head}@@ -1,${before} +1,${after} @@\n${lines.join('\n')}\n${end}`;
}

/** What must be read from it. */
function expectedOf({ path, top, added, bottom }: Change): FileDiff {
  const all = [...top, ...added, ...bottom].map((text, at) => ({
    ...{ number: at + 1, text },
    isAdded: at >= top.length && at < top.length + added.length,
  }));
  return { path, lines: all };
}

/** Lines that look like parts of a diff, among ordinary ones. */
const line = fc.oneof(
  fc.constantFrom(
    '',
    '+',
    '-',
    ' ',
    '+++ b/safe',
    '--- a/safe',
    '@@ -0,0 +1,9 @@',
    '\\ No newline',
    '\r',
    '\t',
  ),
  fc.constantFrom('diff --git a/x b/x', '++ b/safe', '-- a/x', '@@ ', 'é日\u2028x', '\u0000', '\uFFFD'),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replaceAll('\n', 'n')),
);
const lines = fc.array(line, { maxLength: 6 });
const path = fc
  .array(
    fc.constantFrom(
      'a',
      'b/',
      '"',
      '\\',
      '\t',
      '\n',
      '\r',
      ' ',
      '\x07',
      '\x1b',
      '\x7f',
      'é',
      '+++ ',
      '/dev/null',
    ),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((parts) => parts.join(''));
const change: fc.Arbitrary<Change> = fc
  .record({ path, top: lines, removed: lines, added: lines, bottom: lines, isOpen: fc.boolean() })
  .filter(({ removed, added }) => removed.length + added.length > 0);
const changes = fc.array(change, { maxLength: 3 });

describe('parseDiff', () => {
  test('gives each line of the new content once, in order, with its number, whatever it is made of', () => {
    const property = fc.property(changes, (all) => {
      expect(parseDiff(all.map(render).join(''))).toEqual(all.map(expectedOf));
    });
    fc.assert(property, { numRuns: 2_000 });
  });

  test('gives the files that are whole, or nothing, when the text ends anywhere', () => {
    const property = fc.property(changes, fc.nat(), (all, at) => {
      const text = all.map(render).join('');
      const found = parseDiff(text.slice(0, at % (text.length + 1)));
      if (found !== null) expect(found).toEqual(all.slice(0, found.length).map(expectedOf));
    });
    fc.assert(property, { numRuns: 2_000 });
  });

  test('takes any other text without a fault, and finds nothing in what has no hunk', () => {
    const word = fc.constantFrom(
      '+++ b/f\n',
      '@@ -1 +1 @@\n',
      '@@ -0,0 +1,3 @@\n',
      '+x\n',
      '-x\n',
      ' \n',
      '\n',
      '\\\n',
    );
    const text = fc.array(fc.oneof(word, fc.string()), { maxLength: 12 }).map((parts) => parts.join(''));
    const property = fc.property(text, (some) => {
      const found = parseDiff(some);
      if (!/^@@ /m.test(some) && found !== null) expect(found).toEqual([]);
    });
    fc.assert(property, { numRuns: 2_000 });
  });

  test.each([
    ['a hunk that is not whole', '--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n x\n-y\n'],
    ['a last line that is not whole', '--- a/f\n+++ b/f\n@@ -1 +1 @@\n-x\n+sec'],
    ['a header without a hunk', '--- a/f\n+++ b/f\n'],
    ['a line without a sign', '--- a/f\n+++ b/f\n@@ -1 +1 @@\nnonsense\n'],
    ['a hunk of no file', '@@ -1 +1 @@\n-x\n+y\n'],
    ['a second hunk, as when context is left out', `--- a/f\n+++ b/f\n${'@@ -1 +1 @@\n-x\n+y\n'.repeat(2)}`],
    ['over a million lines', `--- a/f\n+++ b/f\n@@ -0,0 +1,2000000 @@\n${'+\n'.repeat(2_000_000)}`],
  ])('does not take %s for a whole diff', (_what, text) => {
    expect(parseDiff(text)).toBeNull();
  });

  test('reads empty lines of context without their space, deleted files and changes of mode alone', () => {
    const spare = '--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n\n\n-x\n+y\n';
    expect(parseDiff(spare)?.[0]?.lines.map(({ text }) => text)).toEqual(['', '', 'y']);
    const gone = 'diff --git a/f b/f\ndeleted file mode 100644\n--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n';
    expect(parseDiff(gone)).toEqual([]);
    expect(parseDiff('diff --git a/f b/f\nold mode 100644\nnew mode 100755\n')).toEqual([]);
    expect(parseDiff('')).toEqual([]);
  });
});
