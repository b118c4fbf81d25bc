import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Log } from '../../../pkg/log/log.ts';
import type { Random } from '../../../pkg/random/random.ts';
import { type FileEvent, type FileEventsAnswer, maxChanges, maxFileEvents } from '../../api/watch-shapes.ts';
import { InputError, NotFoundError } from '../../domain/errors.ts';
import { Backoff, messageOf } from '../retry.ts';
import { Wakeup } from '../wakeup.ts';
import type { Journal } from './journal.ts';

/** Longest pause between tries; ms. */
const longestPauseMs = 30_000;
/** With nothing to send it is looked so often whether that is so; ms. */
const idleMs = 3_600_000;

/** What it works with. */
export interface OutboxParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly journal: Journal;
  /** for people */
  readonly root: string;
  readonly fire: (events: readonly FileEvent[], signal: AbortSignal) => Promise<FileEventsAnswer>;
  /** some were taken, so that there is room again */
  readonly onRoom: () => void;
}

/** Hands events to the server in their order, each until it is taken or refused for good. */
export class Outbox {
  readonly #parts: OutboxParts;
  readonly #bell: Wakeup;
  #most = maxFileEvents;
  #taken = 0;
  #lastError: string | null = null;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    this.#bell = new Wakeup(parts.clock);
  }

  /** events that the server has taken since the agent began */
  get taken(): number {
    return this.#taken;
  }

  get lastError(): string | null {
    return this.#lastError;
  }

  /** Says that there is something to send. */
  ring(): void {
    this.#bell.ring();
  }

  /** Sends until the signal ends it; what is left is sent by the next agent. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, journal } = this.#parts;
    const backoff = new Backoff(this.#parts, { firstMs: 200, capMs: longestPauseMs });
    signal.addEventListener('abort', () => this.#bell.ring(), { once: true });
    while (!signal.aborted) {
      if (journal.unsent.length === 0) {
        await this.#bell.wait(idleMs);
        continue;
      }
      try {
        await this.#send(signal);
        this.#lastError = null;
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        this.#fault(error);
        await clock.sleep(backoff.next(error), signal).catch(() => {});
      }
    }
  }

  async #send(signal: AbortSignal): Promise<void> {
    const { journal, fire, log, root, onRoom } = this.#parts;
    const events = nextOf(journal.unsent, this.#most);
    try {
      const { results } = await fire(events, signal);
      journal.sent(results.length);
      this.#taken += results.length;
      this.#most = maxFileEvents;
    } catch (error) {
      if (error instanceof NotFoundError) {
        log.warn('a file trigger is gone, and what was seen for it is left', {
          root,
          events: journal.unsent.length,
        });
        journal.sent(journal.unsent.length);
      } else if (!(error instanceof InputError)) throw error;
      else if (events.length > 1) {
        // one of them is refused: which one is found by handing in fewer
        this.#most = Math.ceil(events.length / 2);
      } else {
        log.error('a change of a file is refused by the server, and left', { root, error, event: events[0] });
        journal.sent(1);
      }
    }
    onRoom();
  }

  #fault(error: unknown): void {
    const message = messageOf(error);
    if (this.#lastError !== message)
      this.#parts.log.warn('changes of files could not be handed in; it is tried again', {
        root: this.#parts.root,
        waiting: this.#parts.journal.unsent.length,
        error: message,
      });
    this.#lastError = message;
  }
}

/** As many as fit into one call. */
function nextOf(unsent: readonly FileEvent[], most: number): readonly FileEvent[] {
  let [count, changes] = [0, 0];
  for (const event of unsent.slice(0, most)) {
    changes += event.changes.length;
    if (count > 0 && changes > maxChanges) break;
    count++;
  }
  return unsent.slice(0, count);
}
