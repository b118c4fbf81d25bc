/** Makes the table of a run of fault rows: which tests show a row, in how many rounds, and what came of it. */
import type { Tally } from '../test/faults/lab/rounds.ts';

/** A test that ran. */
export interface RowTest {
  /** from the root of the project */
  readonly file: string;
  /** with the titles of what it stands in */
  readonly title: string;
  /** as vitest tells it: passed, failed, or something else = skipped */
  readonly status: string;
}

/** What a run left. */
export interface FaultRun {
  readonly tests: readonly RowTest[];
  readonly tallies: readonly Tally[];
}

/** Names of rows: faults, requirements, and the rows of triggers and limits. */
const rowName = /\b[FSJLG]-\d{2,3}\b/g;
const maxTitles = 4;
const maxNotes = 3;

/**
 * The table as lines of Markdown, by row: `| row | tests | rounds | lines | result |`.
 *
 * A row has the tests in whose titles it stands; one with tallies alone has no test by name. Rounds and lines are sums.
 * Of many titles and notes the first few are there, and the number of the others.
 */
export function faultTable({ tests, tallies }: FaultRun): readonly string[] {
  const names = new Set([...tests.flatMap(({ title }) => rowsIn(title)), ...tallies.map(({ row }) => row)]);
  const rows = [...names].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return [
    '| row | tests | rounds | lines | result |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map((row) => {
      const own = tests.filter(({ title }) => rowsIn(title).includes(row));
      const counted = tallies.filter((one) => one.row === row);
      const rounds = counted.reduce((sum, one) => sum + one.rounds, 0);
      const lines = counted.reduce((sum, one) => sum + (one.lines ?? 0), 0);
      const cells = [row, testsOf(own), rounds === 0 ? '' : String(rounds)];
      return `| ${[...cells, lines === 0 ? '' : lines.toLocaleString('en'), resultOf(own, counted)].join(' | ')} |`;
    }),
  ];
}

/** The rows that a title names. */
export function rowsIn(title: string): readonly string[] {
  return [...new Set(title.match(rowName) ?? [])];
}

function testsOf(tests: readonly RowTest[]): string {
  const files = [...new Set(tests.map(({ file }) => file))];
  return files
    .map((file) => {
      const titles = tests.filter((one) => one.file === file).map(({ title }) => inCell(title));
      return `\`${file}\`: ${shortened(titles, maxTitles)}`;
    })
    .join('<br>');
}

function resultOf(tests: readonly RowTest[], tallies: readonly Tally[]): string {
  const count = (status: string) => tests.filter((one) => one.status === status).length;
  const [passed, failed] = [count('passed'), count('failed')];
  const skipped = tests.length - passed - failed;
  const counts = [
    ...(passed > 0 ? [`${passed} passed`] : []),
    ...(failed > 0 ? [`**${failed} failed**`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ].join(', ');
  const notes = tallies.flatMap(({ note }) => (note === undefined || note === '' ? [] : [inCell(note)]));
  return [counts, shortened(notes, maxNotes)].filter(Boolean).join('; ');
}

function shortened(texts: readonly string[], most: number): string {
  const left = texts.length - most;
  return [...texts.slice(0, most), ...(left > 0 ? [`${left} more`] : [])].join('; ');
}

/** A text that ends no cell and no line. */
function inCell(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
}
