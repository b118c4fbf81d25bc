/** Reads the output of `git diff` with the whole of each file as context. Pure. */

/** What a diff says about one file. */
export interface FileDiff {
  /** path after the change, as in the index */
  readonly path: string;
  readonly lines: readonly DiffLine[];
}

/** A line of the file as it will be. */
export interface DiffLine {
  /** from 1 */
  readonly number: number;
  /** without its line feed */
  readonly text: string;
  /** whether the change brings it */
  readonly isAdded: boolean;
}

/** More lines are not read: each takes a hundred bytes of memory. */
const maxLines = 1_000_000;

/**
 * Reads a diff. Lines are told from headers by the counts of their hunk, so no content can pose as a header.
 * @returns the files that have lines; null when the text ends within a file, is no diff, or has over a million lines
 */
export function parseDiff(text: string): readonly FileDiff[] | null {
  if (text !== '' && !text.endsWith('\n')) return null;
  const files: { path: string; lines: DiffLine[] }[] = [];
  const next = linesOf(text, maxLines);
  for (let line = next(); line !== null; line = next()) {
    if (line.startsWith('@@ ')) return null;
    if (!line.startsWith('+++ ')) continue;
    const path = pathOf(line.slice('+++ '.length));
    const hunk = hunkOf(next() ?? '');
    const lines: DiffLine[] = [];
    if (hunk === null || !readHunk(next, hunk, lines)) return null;
    if (path !== null) files.push({ path, lines });
  }
  return files;
}

interface Hunk {
  before: number;
  after: number;
  number: number;
}

function hunkOf(line: string): Hunk | null {
  const match = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
  if (match === null) return null;
  const [, before = '1', number = '1', after = '1'] = match;
  return { before: Number(before), after: Number(after), number: Number(number) };
}

function readHunk(next: () => string | null, hunk: Hunk, lines: DiffLine[]): boolean {
  while (hunk.before > 0 || hunk.after > 0) {
    const line = next();
    if (line === null) return false;
    // an empty line of context may come without its space (diff.suppressBlankEmpty)
    const sign = line.charAt(0) || ' ';
    if (sign === '\\') continue;
    if (sign !== '+' && sign !== '-' && sign !== ' ') return false;
    if (sign !== '+') hunk.before -= 1;
    if (sign === '-') continue;
    lines.push({ number: hunk.number, text: line.slice(1), isAdded: sign === '+' });
    hunk.after -= 1;
    hunk.number += 1;
  }
  return true;
}

/** The path in a header; null for a file that is not there. Names with a space are ended by a tab. */
function pathOf(header: string): string | null {
  const name = header.startsWith('"') ? unquote(header) : header.replace(/\t$/, '');
  return name.startsWith('b/') ? name.slice(2) : null;
}

const letters: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  t: '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
};

/** Takes a name out of its quotes. @see git-config(1), core.quotePath */
function unquote(quoted: string): string {
  const inner = quoted.slice(1, quoted.lastIndexOf('"'));
  return inner.replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (letters[code] ?? code),
  );
}

/** Gives line by line, then null. The line behind the last allowed one is no line of a diff. */
function linesOf(text: string, most: number): () => string | null {
  let [at, count] = [0, 0];
  return () => {
    if (at >= text.length) return null;
    count += 1;
    if (count > most) return '@@ ';
    const end = text.indexOf('\n', at);
    const line = end === -1 ? text.slice(at) : text.slice(at, end);
    at = end === -1 ? text.length : end + 1;
    return line;
  };
}
