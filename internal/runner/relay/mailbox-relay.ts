import { closeSync, openSync, readSync } from 'node:fs';
import type { Clock } from '../../../pkg/clock/clock.ts';
import { decodeMailbox, encodeMailboxRecord } from '../../domain/mailbox.ts';
import type { RelaySender } from './relay-sender.ts';

/** How often it is looked whether something was said; ms. */
const lookMs = 200;
const pieceBytes = 1024 * 1024;

/** Hands over what is said in the mailbox of a run, the files that are named there before it. */
export class MailboxRelay {
  readonly #parts: { readonly clock: Clock; readonly sender: RelaySender; readonly file: string };
  readonly #stop = new AbortController();
  #offset = 0;
  readonly #looking: Promise<void>;

  /** Begins at once. @param parts.file  absolute; need not be there yet */
  constructor(parts: { readonly clock: Clock; readonly sender: RelaySender; readonly file: string }) {
    this.#parts = parts;
    this.#looking = this.#look();
  }

  /** Ends; what was said until now is handed over. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#looking;
    await this.#hand();
  }

  async #look(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#hand();
      await this.#parts.clock.sleep(lookMs, signal).catch(() => {});
    }
  }

  async #hand(): Promise<void> {
    const { sender, file } = this.#parts;
    for (;;) {
      const { records, next } = decodeMailbox(readFrom(file, this.#offset), this.#offset);
      for (const { words } of records) {
        const [name, verb, path] = words;
        if (name === 'artifact' && verb === 'add' && path !== undefined) await sender.file(path);
        await sender.mailbox(encodeMailboxRecord(words));
      }
      if (next === this.#offset) return;
      this.#offset = next;
    }
  }
}

function readFrom(file: string, offset: number): Uint8Array {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    // nothing was said yet
    return new Uint8Array(0);
  }
  try {
    const bytes = new Uint8Array(pieceBytes);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, pieceBytes, offset));
  } finally {
    closeSync(descriptor);
  }
}
