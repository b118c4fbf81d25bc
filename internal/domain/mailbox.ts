/**
 * The file through which a script speaks to the agent that runs it: `<run>/mailbox`, append-only.
 *
 * One record is one append of `\n@<n> <payload>\n`, where n is the length of the payload in bytes (decimal) and the
 * payload is the command's own words, each ended by U+001F (unit separator): `progress␟50␟--message␟half␟`.
 * Whoever writes a record has checked it before. A record's number is the offset behind its last byte, so reading
 * again gives the same numbers. A torn record (its writer was killed in mid-write, the disk was full) is skipped up to
 * the next `\n@`: the newline in front is there for the one behind it. So that this never stands inside a payload, a
 * record separator (U+001E) is put between the two there.
 *
 * The shell front writes the short ones, the executable the rest (`ask`, `artifact`, long messages).
 */
const separator = '\u001f';
const guard = '\u001e';

/** One thing that a script said. */
export interface MailboxRecord {
  /** offset behind the record; grows, unique within the run */
  readonly seq: number;
  /** command and arguments, e.g. `['progress', '50', '--message', 'half']` */
  readonly words: readonly string[];
}

/** Makes the bytes of one record. @param words without U+001F inside (it is replaced by a space) */
export function encodeMailboxRecord(words: readonly string[]): Uint8Array {
  const payload = words
    .map((word) => word.replaceAll(separator, ' ').replaceAll('\n@', `\n${guard}@`) + separator)
    .join('');
  const bytes = new TextEncoder().encode(payload);
  const head = new TextEncoder().encode(`\n@${bytes.length} `);
  const record = new Uint8Array(head.length + bytes.length + 1);
  record.set(head);
  record.set(bytes, head.length);
  record[record.length - 1] = 10;
  return record;
}

/**
 * Reads the complete records of a piece of a mailbox.
 * @param bytes what stands in the file from `offset` on
 * @returns the records, the offset from which to read next (the start of an incomplete record, or the end), and how many
 *          bytes of damaged records were passed over
 */
export function decodeMailbox(
  bytes: Uint8Array,
  offset: number,
): { records: MailboxRecord[]; next: number; damagedBytes: number } {
  const records: MailboxRecord[] = [];
  let damagedBytes = 0;
  let at = 0;
  while (at < bytes.length) {
    const record = readRecord(bytes, at);
    if (record === 'incomplete') break;
    if (record === 'damaged') {
      const resume = findResume(bytes, at + 1);
      if (resume === -1) break;
      // the newline in front of each record is nobody's
      damagedBytes += Math.max(0, resume - at - 1);
      at = resume;
      continue;
    }
    at = record.end;
    records.push({ seq: offset + at, words: record.words });
  }
  return { records, next: offset + at, damagedBytes };
}

const [at, space, newline] = [0x40, 0x20, 0x0a];

function readRecord(
  bytes: Uint8Array,
  start: number,
): { words: string[]; end: number } | 'incomplete' | 'damaged' {
  if (bytes[start] !== at) return 'damaged';
  let length = 0;
  let index = start + 1;
  for (; index < bytes.length && bytes[index] !== space; index++) {
    const digit = (bytes[index] ?? 0) - 0x30;
    if (digit < 0 || digit > 9 || index - start > 9) return 'damaged';
    length = length * 10 + digit;
  }
  const end = index + 1 + length;
  if (end >= bytes.length) return findResume(bytes, start + 1) === -1 ? 'incomplete' : 'damaged';
  if (bytes[end] !== newline || bytes[end - 1] !== 0x1f) return 'damaged';
  // a writer never lets this stand in a payload: the length is wrong, and reaches over the records behind
  const next = findResume(bytes.subarray(0, end), index + 1);
  if (next !== -1) return 'damaged';
  const payload = new TextDecoder().decode(bytes.subarray(index + 1, end)).replaceAll(`\n${guard}@`, '\n@');
  return { words: payload.slice(0, -1).split(separator), end: end + 1 };
}

/** Finds the next place where a record may begin: `@` behind a newline. */
function findResume(bytes: Uint8Array, from: number): number {
  for (let index = Math.max(1, from); index < bytes.length; index++) {
    if (bytes[index] === at && bytes[index - 1] === newline) return index;
  }
  return -1;
}
