import type { Clock } from '../../../pkg/clock/clock.ts';
import { encodeMailboxRecord } from '../../domain/mailbox.ts';
import { MailboxReader } from '../../executor/mailbox-reader.ts';
import type { RelaySender } from './relay-sender.ts';

/** How often it is looked whether something was said; ms. */
const lookMs = 200;

/** Hands over what is said in the mailbox of a run, the files that are named there before it. */
export class MailboxRelay {
  readonly #parts: { readonly clock: Clock; readonly sender: RelaySender };
  readonly #reader: MailboxReader;
  readonly #stop = new AbortController();
  readonly #looking: Promise<void>;

  /** Begins at once. @param parts.file  absolute; need not be there yet */
  constructor(parts: { readonly clock: Clock; readonly sender: RelaySender; readonly file: string }) {
    this.#parts = parts;
    this.#reader = new MailboxReader(parts.file, 0);
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
    const { sender } = this.#parts;
    for (const { words } of await this.#reader.next()) {
      const [name, verb, path] = words;
      if (name === 'artifact' && verb === 'add' && path !== undefined) await sender.file(path);
      await sender.mailbox(encodeMailboxRecord(words));
    }
  }
}
