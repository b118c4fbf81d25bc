/** A range of a body; bytes, `to` exclusive. */
export interface BodyRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Reads the header Range of a request for a body of `size` bytes.
 * @returns null when the whole is to be sent: no header, several ranges, or nothing that a range is;
 *          `unsatisfiable` when none of its bytes exist
 * @see RFC 9110, section 14.2: a server may ignore any Range
 */
export function readRange(header: string | undefined, size: number): BodyRange | 'unsatisfiable' | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header?.replaceAll(/\s/g, '') ?? '');
  if (!match) return null;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return null;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null;
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  return from < to ? { from, to } : 'unsatisfiable';
}
