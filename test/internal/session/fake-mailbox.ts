/** A mailbox in memory that can be told to misbehave. */
import type { ImapConnection } from '../../../pkg/imap/imap.ts';

interface Kept {
  readonly uid: number;
  readonly source: Buffer;
  readonly arrivedAt: number;
}

/** Speaks for a mail server. */
export class FakeMailbox {
  uidValidity = 1;
  messages: readonly Kept[] = [];
  /** what the next attempts to open it fail with, one each */
  faults: string[] = [];
  opened = 0;
  /** how long was idled, each time; ms */
  readonly idled: number[] = [];
  #uidNext = 1;
  #hasNews = false;
  #ring: (() => void) | null = null;
  #drop: ((error: Error) => void) | null = null;

  /** A message comes. */
  put({ id, subject = 'hello', arrivedAt = 0 }: { id?: string; subject?: string; arrivedAt?: number }): void {
    const uid = this.#uidNext++;
    const results = 'Authentication-Results: mx.example.com; dmarc=pass header.from=example.com';
    const named = id === undefined ? '' : `Message-ID: <${id}>\r\n`;
    const text = `${results}\r\nFrom: ann@example.com\r\nSubject: ${subject}\r\n${named}\r\nhi\r\n`;
    this.messages = [...this.messages, { uid, source: Buffer.from(text), arrivedAt }];
    this.#hasNews = true;
    this.#ring?.();
  }

  /** The same messages get other numbers, in another order. */
  renumber(): void {
    this.uidValidity += 1;
    this.#uidNext = 1;
    this.messages = this.messages.toReversed().map((one) => ({ ...one, uid: this.#uidNext++ }));
  }

  /** The connection breaks. */
  drop(): void {
    this.#drop?.(new Error('cut'));
  }

  readonly open = async (): Promise<ImapConnection> => {
    this.opened += 1;
    const fault = this.faults.shift();
    if (fault !== undefined) throw new Error(fault);
    const end = (): void => this.#drop?.(new Error('closed'));
    return {
      mailbox: { uidValidity: this.uidValidity, uidNext: this.#uidNext },
      canIdle: true,
      list: async (from, since = 0) => {
        this.#hasNews = false;
        const uids = this.messages.filter(({ arrivedAt }) => arrivedAt >= since).map(({ uid }) => uid);
        const found = uids.filter((uid) => uid >= from);
        // as servers do: `*` is the last message, whatever stands before it
        return found.length > 0 ? found : uids.slice(-1);
      },
      heads: async (uids) =>
        this.messages
          .filter(({ uid }) => uids.includes(uid))
          .map(({ uid, source, arrivedAt }) => ({ uid, bytes: source.length, arrivedAt, headers: source })),
      source: async (uid) => this.messages.find((one) => one.uid === uid)?.source ?? null,
      markSeen: async () => {},
      move: async () => {},
      noop: async () => {},
      idle: (ms, signal) =>
        new Promise((resolve, reject) => {
          this.idled.push(ms);
          this.#ring = resolve;
          this.#drop = reject;
          if (this.#hasNews) resolve();
          signal.addEventListener('abort', () => resolve(), { once: true });
        }),
      close: end,
    };
  };
}
