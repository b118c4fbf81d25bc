import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeMailbox, encodeMailboxRecord } from '../../../internal/domain/mailbox.ts';

const bytes = (...parts: (string | Uint8Array)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
const word = fc
  .string({ unit: 'grapheme', maxLength: 40 })
  .map((text) => text.replaceAll('\u001f', '').replaceAll('\u001e', ''));

describe('the mailbox format', () => {
  test('what is encoded comes back, however the file is cut while it is read', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(word, { minLength: 1, maxLength: 5 }), { maxLength: 8 }),
        fc.nat(),
        (said, cut) => {
          const file = bytes(...said.map((words) => encodeMailboxRecord(words)));
          const at = file.length === 0 ? 0 : cut % (file.length + 1);
          const first = decodeMailbox(file.subarray(0, at), 0);
          const rest = decodeMailbox(file.subarray(first.next), first.next);
          const records = [...first.records, ...rest.records];
          expect(records.map((record) => record.words)).toEqual(said);
          expect(rest.next).toBe(file.length);
          expect(records.at(-1)?.seq ?? 0).toBe(file.length);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('a word that holds a newline and an at sign does not look like a record', () => {
    const file = encodeMailboxRecord(['log', 'INFO', 'a\n@3 xyz\nb']);
    for (let cut = 0; cut < file.length; cut++) {
      expect(decodeMailbox(file.subarray(0, cut), 0)).toMatchObject({ records: [], damagedBytes: 0 });
    }
    expect(decodeMailbox(file, 0).records[0]?.words).toEqual(['log', 'INFO', 'a\n@3 xyz\nb']);
  });

  test('a torn record is passed over and the ones behind it are read', () => {
    const torn = bytes('@12 progr', '\n', encodeMailboxRecord(['progress', '50']));
    const { records, damagedBytes } = decodeMailbox(torn, 100);
    expect(records).toEqual([{ seq: 100 + torn.length, words: ['progress', '50'] }]);
    expect(damagedBytes).toBe('@12 progr\n'.length);
  });

  test.each(['@x progress', 'garbage without end', '@99999999999999 x'])(
    '"%s" alone gives no record',
    (text) => {
      expect(decodeMailbox(bytes(text), 0).records).toEqual([]);
    },
  );

  test('a record that is not complete yet is read from its start the next time', () => {
    const record = encodeMailboxRecord(['start']);
    expect(decodeMailbox(bytes(record, '@20 lo'), 7)).toMatchObject({ next: 7 + record.length });
  });
});
