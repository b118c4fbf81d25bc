/** Writes values of IMAP commands. */
import { ImapError } from './imap-error.ts';

/** A string in quotes. @throws {ImapError} `protocol`: it has letters that a quoted string cannot hold */
export function quote(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return `"${text.replace(/["\\]/g, '\\$&')}"`;
  throw new ImapError('protocol', 'only printable ASCII can be said here');
}

/** The name of a mailbox as it goes over the wire, in quotes. @see RFC 3501, section 5.1.3 */
export function quoteMailbox(name: string): string {
  const encoded = name.replace(/&/g, '&-').replace(/[^\x20-\x7e]+/g, (part) => {
    const bytes = Buffer.from(part, 'utf16le').swap16();
    return `&${bytes.toString('base64').replace(/=+$/, '').replace(/\//g, ',')}-`;
  });
  return quote(encoded);
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A day as SEARCH takes it: `21-Nov-2026`; of UTC. */
export function searchDay(atMs: number): string {
  const day = new Date(atMs);
  return `${day.getUTCDate()}-${months[day.getUTCMonth()]}-${day.getUTCFullYear()}`;
}

/** When a message arrived, as FETCH says it: `21-Nov-2026 10:15:00 +0900`; epoch ms; null when it is none. */
export function parseInternalDate(text: string): number | null {
  const match = /^\s*(\d{1,2})-(\w{3})-(\d{4}) (\d{2}:\d{2}:\d{2}) ([+-]\d{2})(\d{2})$/.exec(text);
  if (match === null) return null;
  const [, day = '', month = '', year, time, hours, minutes] = match;
  const number = String(months.indexOf(month) + 1).padStart(2, '0');
  const at = Date.parse(`${year}-${number}-${day.padStart(2, '0')}T${time}${hours}:${minutes}`);
  return Number.isNaN(at) ? null : at;
}
