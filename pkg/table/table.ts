/** Tables for terminals: columns as wide as they must be, two spaces between them, no lines. */
import { cutTo, visible, widthOf } from '../terminal/text.ts';

/** One column. */
export interface Column {
  readonly title: string;
  /** default left */
  readonly align?: 'left' | 'right';
  /** whether it may be cut when the table is too wide; the first such column is cut first */
  readonly shrinks?: boolean;
  /** colours a cell after it was cut and filled */
  readonly paint?: (cell: string) => string;
}

/** What a table is made of. */
export interface TableInput {
  readonly columns: readonly Column[];
  /** cells as texts; control characters become visible */
  readonly rows: readonly (readonly string[])[];
  /** columns of the terminal; 0 or absent: as wide as it comes */
  readonly width?: number;
  /** colours the titles */
  readonly paintTitle?: (title: string) => string;
}

const gap = '  ';
/** A column that shrinks keeps this many columns. */
const leastWidth = 8;

/** Writes a table with its titles; every line ends with a line feed. Lines have no spaces at their end. */
export function formatTable(input: TableInput): string {
  const rows = input.rows.map((row) => input.columns.map((_, index) => visible(row[index] ?? '')));
  const widths = widthsOf(input, rows);
  const line = (cells: readonly string[], paint: (column: Column, cell: string) => string) =>
    input.columns
      .map((column, index) => {
        const width = widths[index] ?? 0;
        const cell = cutTo(cells[index] ?? '', width);
        const space = ' '.repeat(width - widthOf(cell));
        const isLast = index === input.columns.length - 1;
        if (column.align === 'right') return space + paint(column, cell);
        return paint(column, cell) + (isLast ? '' : space);
      })
      .join(gap)
      .trimEnd();
  const title = line(
    input.columns.map((column) => column.title),
    (_, cell) => input.paintTitle?.(cell) ?? cell,
  );
  const body = rows.map((row) => line(row, (column, cell) => column.paint?.(cell) ?? cell));
  return [title, ...body].map((text) => `${text}\n`).join('');
}

function widthsOf(input: TableInput, rows: readonly (readonly string[])[]): number[] {
  const widths = input.columns.map((column, index) =>
    Math.max(widthOf(column.title), ...rows.map((row) => widthOf(row[index] ?? ''))),
  );
  let over =
    widths.reduce((sum, width) => sum + width, gap.length * (widths.length - 1)) - (input.width || Infinity);
  input.columns.forEach((column, index) => {
    const width = widths[index] ?? 0;
    if (!column.shrinks || over <= 0) return;
    const cut = Math.max(0, Math.min(over, width - Math.max(leastWidth, widthOf(column.title))));
    widths[index] = width - cut;
    over -= cut;
  });
  return widths;
}
