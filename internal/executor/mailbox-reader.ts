import { existsSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { decodeMailbox, type MailboxRecord } from '../domain/mailbox.ts';

/** Most bytes of a mailbox in memory. Its largest record is far smaller; a longer one is damage. */
const pieceBytes = 1024 * 1024;

/** Reads a mailbox file from where it left off. */
export class MailboxReader {
  readonly #file: string;
  #offset: number;
  #wasThere = false;
  #damagedBytes = 0;

  /** @param offset  behind the last record that is done with; 0 for a new mailbox */
  constructor(file: string, offset: number) {
    this.#file = file;
    this.#offset = offset;
  }

  /**
   * The records that are whole by now and were not given before, in order; all of them.
   * A file that is missing holds none.
   */
  async next(): Promise<readonly MailboxRecord[]> {
    const all: MailboxRecord[] = [];
    for (;;) {
      const bytes = await this.#read();
      const { records, next, damagedBytes } = decodeMailbox(bytes, this.#offset);
      this.#damagedBytes += damagedBytes;
      // a whole piece without a record is damage: its last byte may be the newline in front of the next one
      const isDamage = bytes.length === pieceBytes && next === this.#offset;
      this.#offset = isDamage ? next + pieceBytes - 1 : next;
      // not spread: a megabyte holds more records than a call takes arguments
      for (const record of records) all.push(record);
      if (isDamage) this.#damagedBytes += pieceBytes - 1;
      if (bytes.length < pieceBytes) return all;
    }
  }

  /** How much could not be read as records, with what stands unfinished at the end; bytes. Once nobody writes any more. */
  damagedBytes(): number {
    const size = statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0;
    // a newline in front of the next record is no record
    const unfinished = size - this.#offset;
    return this.#damagedBytes + (unfinished > 1 ? unfinished : 0);
  }

  /** Whether there may be more to read; told without a thread. */
  hasNew(): boolean {
    const found = statSync(this.#file, { throwIfNoEntry: false });
    this.#wasThere ||= found !== undefined;
    return (found?.size ?? 0) > this.#offset;
  }

  /** Whether the file was there and is not any more: what was said behind the last look is gone with it. */
  isDeleted(): boolean {
    return this.#wasThere && !existsSync(this.#file);
  }

  async #read(): Promise<Uint8Array> {
    if (!this.hasNew()) return new Uint8Array();
    let handle: Awaited<ReturnType<typeof open>>;
    try {
      handle = await open(this.#file, 'r');
    } catch {
      return new Uint8Array();
    }
    try {
      const buffer = Buffer.allocUnsafe(pieceBytes);
      const { bytesRead } = await handle.read(buffer, 0, pieceBytes, this.#offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  }
}
