/**
 * Formats rows as CSV. A text that a spreadsheet would take for a formula gets an apostrophe in front: opening a file must
 * not run what somebody else wrote into it.
 *
 * @param rows  null = an empty field; numbers and booleans are written as they are
 * @returns lines that end in CRLF
 * @see RFC 4180; OWASP, "CSV Injection"
 */
export function formatCsv(rows: readonly (readonly CsvValue[])[]): string {
  return rows.map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

/** What a field may hold. */
export type CsvValue = string | number | boolean | null;

/** What spreadsheets begin a formula with, after white space too; and the separators that would begin a new field. */
const formula = /^[\s\0]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/;

function field(value: CsvValue): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const safe = formula.test(value) ? `'${value}` : value;
  return /[",\r\n;\t]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
