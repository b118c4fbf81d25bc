import type { AttemptReporter } from '../api/task-source.ts';
import type { Run, StreamLoss } from '../executor/executor.ts';
import { MailboxReader } from '../executor/mailbox-reader.ts';
import type { ControlLane } from './control-lane.ts';
import type { Cursor } from './cursor.ts';
import { takeSecret } from './late-secrets.ts';
import { parseRequest, type Request } from './mailbox-words.ts';
import type { Masking } from './masking.ts';
import type { RetryParts } from './retry.ts';
import { understand } from './speech.ts';
import { StreamLane } from './stream-lane.ts';
import { Wakeup } from './wakeup.ts';

/** The run whose words and output are delivered. */
export interface DeliveryOptions {
  readonly run: Run;
  readonly reporter: AttemptReporter;
  readonly cursor: Cursor;
  readonly masking: Masking;
  readonly control: ControlLane;
  /** Called with each request of the script, in order, before its message goes out. */
  readonly onRequest: (request: Request) => void;
}

/**
 * Brings everything that a run says to the server, on lanes that do not wait for each other: its messages in order, and
 * each of its streams. What is delivered, and how far, is in the cursor, so that any instance can go on.
 */
export class Delivery {
  readonly #parts: RetryParts;
  readonly #options: DeliveryOptions;
  readonly #complete = new AbortController();
  readonly #lanes: Readonly<Record<'stdout' | 'stderr', StreamLane>>;
  readonly #bells: readonly Wakeup[];
  readonly #mailbox: MailboxReader;
  readonly #mailBell: Wakeup;
  #work: Promise<unknown> = Promise.resolve();
  /** the reading of the mailbox that goes on; null: none */
  #hearing: Promise<void> | null = null;
  #signal: AbortSignal | null = null;

  constructor(parts: RetryParts, options: DeliveryOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#mailbox = new MailboxReader(options.run.mailboxFile, options.cursor.state.mailbox);
    const [out, err] = [new Wakeup(parts.clock), new Wakeup(parts.clock)];
    this.#mailBell = new Wakeup(parts.clock);
    this.#bells = [out, err, this.#mailBell];
    const { run, reporter, cursor, masking } = options;
    const hear = () => this.#hear();
    const common = { run, reporter, cursor, masking, hear, complete: this.#complete.signal };
    this.#lanes = {
      stdout: new StreamLane(parts, { ...common, stream: 'stdout', changed: out }),
      stderr: new StreamLane(parts, { ...common, stream: 'stderr', changed: err }),
    };
  }

  /**
   * Begins. What was said before (the agent was away) is read first, so that messages keep their order.
   * @param signal  ends it wherever it stands
   * @param onFailed  called once when the server refuses what cannot be repeated, such as a replaced attempt
   */
  async start(signal: AbortSignal, onFailed: (error: unknown) => void): Promise<void> {
    this.#signal = signal;
    await this.#hear();
    const unwatch = this.#options.run.watch(() => {
      for (const bell of this.#bells) bell.ring();
    });
    const ring = () => {
      for (const bell of this.#bells) bell.ring();
    };
    signal.addEventListener('abort', ring, { once: true });
    this.#complete.signal.addEventListener('abort', ring, { once: true });
    this.#work = Promise.all([
      this.#lanes.stdout.carry(signal),
      this.#lanes.stderr.carry(signal),
      this.#listen(signal),
    ])
      .catch((error: unknown) => {
        if (!signal.aborted) onFailed(error);
      })
      .finally(() => {
        unwatch();
        signal.removeEventListener('abort', ring);
      });
  }

  /** Says that the run will write nothing more, and waits until all of it is delivered, or the signal of `start`. */
  async finish(): Promise<void> {
    this.#complete.abort();
    await this.#work;
  }

  /**
   * Tells the server about output that could not be kept; after `finish`. The server counts it with the stream.
   * @returns the gaps
   */
  async declareLosses(signal: AbortSignal): Promise<readonly StreamLoss[]> {
    const cuts = await Promise.all(Object.values(this.#lanes).map((lane) => lane.cut()));
    const losses = [...((await this.#options.run.losses?.()) ?? []), ...cuts.filter((cut) => cut !== null)];
    for (const [stream, lane] of Object.entries(this.#lanes)) {
      const bytes = losses
        .filter((loss) => loss.stream === stream)
        .reduce((sum, { maxBytes }) => sum + maxBytes, 0);
      if (bytes > 0) await lane.declareLost(bytes, signal);
    }
    return losses;
  }

  /** Whether messages of the script may be missing, because somebody deleted its mailbox; after `finish`. */
  hasLostMessages(): boolean {
    return this.#mailbox.isDeleted();
  }

  /** How many bytes of the mailbox were no whole record; after `finish`. */
  unreadBytes(): number {
    return this.#mailbox.damagedBytes();
  }

  /** Asks the server where its streams end and sends what it lacks; after it said that something is missing. */
  async recheck(signal: AbortSignal): Promise<void> {
    for (const lane of Object.values(this.#lanes)) {
      await lane.recheck(signal);
      await lane.carry(signal);
    }
  }

  /** Size and checksum of both streams. */
  streams(): { stdout: ReturnType<StreamLane['report']>; stderr: ReturnType<StreamLane['report']> } {
    return { stdout: this.#lanes.stdout.report(), stderr: this.#lanes.stderr.report() };
  }

  async #listen(signal: AbortSignal): Promise<void> {
    for (;;) {
      const last = this.#complete.signal.aborted;
      await this.#hear();
      if (last || signal.aborted) return;
      await this.#mailBell.wait(1000);
    }
  }

  /** Reads what is in the mailbox now. One at a time: a call while another goes on reads again behind it. */
  async #hear(): Promise<void> {
    while (this.#hearing !== null) await this.#hearing;
    if (!this.#mailbox.hasNew()) return;
    this.#hearing = this.#readMailbox().finally(() => {
      this.#hearing = null;
    });
    await this.#hearing;
  }

  async #readMailbox(): Promise<void> {
    const { clock, log } = this.#parts;
    const { cursor, masking, control, onRequest, run } = this.#options;
    const mask = (text: string) => masking.text(text);
    const records = await this.#mailbox.next();
    // whoever takes the run up reads this again: what is taken up here must not be missing there
    if (this.#signal?.aborted === true) return;
    for (const record of records) {
      const request = parseRequest(record.words);
      if (request === null) {
        log.warn('a record in the mailbox of a run was passed over', { command: record.words[0] ?? '' });
        control.fromMailbox(record, null);
        continue;
      }
      onRequest(request);
      if (request.kind === 'redact') takeSecret({ log, cursor, masking }, run.directory, request);
      control.fromMailbox(record, understand({ clock, cursor, mask }, request));
    }
  }
}
