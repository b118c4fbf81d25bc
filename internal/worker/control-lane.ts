import type { ControlMessage } from '../api/protocol.ts';
import type { AttemptReporter } from '../api/task-source.ts';
import { KerutaError } from '../domain/errors.ts';
import type { Cursor } from './cursor.ts';
import { isGone, messageOf, persist, type RetryParts } from './retry.ts';
import { Wakeup } from './wakeup.ts';

type WithoutSeq<T> = T extends unknown ? Omit<T, 'seq'> : never;
/** A control message before it has its number. */
export type NewMessage = WithoutSeq<ControlMessage>;

/**
 * Numbers of one attempt's messages: a mailbox record's own number times this, so that the agent's own messages find
 * room between two records. Records are longer than one byte, and 2^53 is 128 GiB of mailbox away.
 */
const ownPerRecord = 65_536;
/** Most messages in one request. */
const batchSize = 500;
/** How long messages are gathered after a batch went out; ms. */
const gatherMs = 40;

/**
 * The ordered lane: what the script said and what the agent has to say about it, each exactly once. Mailbox messages can
 * be read again after a crash, so only their place is kept; the agent's own are written down before they are sent.
 */
export class ControlLane {
  readonly #parts: RetryParts;
  readonly #reporter: AttemptReporter;
  readonly #cursor: Cursor;
  readonly #bell: Wakeup;
  readonly #idle: Wakeup;
  #queue: { message: ControlMessage; mailbox: number | null }[] = [];
  #lastSeq: number;
  #sentSeq = 0;

  constructor(parts: RetryParts, reporter: AttemptReporter, cursor: Cursor) {
    this.#parts = parts;
    this.#reporter = reporter;
    this.#cursor = cursor;
    this.#bell = new Wakeup(parts.clock);
    this.#idle = new Wakeup(parts.clock);
    this.#lastSeq = cursor.state.controlSeq;
    for (const message of cursor.state.outbox) this.#put(message, null);
  }

  /** Number of the last message that was ever made; 0 before the first. */
  get lastSeq(): number {
    return Math.max(this.#lastSeq, this.#sentSeq);
  }

  /** Takes the message of a mailbox record. @param record.seq the record's own number */
  fromMailbox(record: { readonly seq: number }, message: NewMessage | null): void {
    const seq = record.seq * ownPerRecord;
    if (message !== null) this.#put({ ...message, seq } as ControlMessage, record.seq);
    else if (this.#queue.length === 0) this.#read(record.seq);
  }

  /** Takes a message of the agent's own; it survives the agent from here on. */
  say(message: NewMessage): void {
    const numbered = { ...message, seq: this.#lastSeq + 1 } as ControlMessage;
    this.#cursor.state.outbox.push(numbered);
    this.#cursor.save();
    this.#put(numbered, null);
  }

  /** Sends until the signal ends it. */
  async carry(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#bell.ring(), { once: true });
    for (;;) {
      signal.throwIfAborted();
      if (this.#queue.length === 0) {
        await this.#bell.wait(60_000);
        continue;
      }
      await this.#sendBatch(signal);
      if (this.#queue.length < batchSize) await this.#parts.clock.sleep(gatherMs, signal);
    }
  }

  /** Waits until everything that was taken is acknowledged. */
  async drained(signal: AbortSignal): Promise<void> {
    while (this.#queue.length > 0) {
      signal.throwIfAborted();
      await this.#idle.wait(1000);
    }
  }

  #put(message: ControlMessage, mailbox: number | null): void {
    this.#queue.push({ message, mailbox });
    this.#queue.sort((a, b) => a.message.seq - b.message.seq);
    this.#lastSeq = Math.max(this.#lastSeq, message.seq);
    this.#bell.ring();
  }

  async #sendBatch(signal: AbortSignal): Promise<void> {
    const batch = this.#queue.slice(0, batchSize);
    try {
      await this.#send(
        batch.map((entry) => entry.message),
        signal,
      );
    } catch (error) {
      if (signal.aborted || isGone(error) || !(error instanceof KerutaError) || error.kind !== 'input')
        throw error;
      await this.#sendOneByOne(batch, signal);
    }
    this.#acknowledge(batch);
  }

  /** A batch was refused as such: one of its messages is bad. The others are not lost for it. */
  async #sendOneByOne(batch: readonly { message: ControlMessage }[], signal: AbortSignal): Promise<void> {
    for (const { message } of batch) {
      try {
        await this.#send([message], signal);
      } catch (error) {
        if (!(error instanceof KerutaError) || error.kind !== 'input') throw error;
        this.#parts.log.warn('the server refused a message of the script', {
          kind: message.kind,
          error: messageOf(error),
        });
      }
    }
  }

  #send(messages: readonly ControlMessage[], signal: AbortSignal): Promise<number> {
    return persist(this.#parts, 'sending messages', {
      signal,
      run: () => this.#reporter.sendMessages(messages, signal),
    });
  }

  #acknowledge(batch: readonly { message: ControlMessage; mailbox: number | null }[]): void {
    const upTo = batch.at(-1)?.message.seq ?? 0;
    const { state } = this.#cursor;
    this.#queue = this.#queue.slice(batch.length);
    this.#sentSeq = upTo;
    state.controlSeq = Math.max(state.controlSeq, upTo);
    state.outbox = state.outbox.filter((message) => message.seq > upTo);
    for (const { mailbox } of batch) if (mailbox !== null) this.#read(mailbox);
    if (this.#queue.length === 0) this.#idle.ring();
  }

  #read(mailbox: number): void {
    this.#cursor.state.mailbox = Math.max(this.#cursor.state.mailbox, mailbox);
    this.#cursor.touch();
  }
}
