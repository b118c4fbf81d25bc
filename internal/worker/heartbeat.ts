import type { AttemptReporter, Renewal } from '../api/task-source.ts';
import { renewEveryMs } from '../domain/attempt.ts';
import { Backoff, isGone, messageOf, type RetryParts } from './retry.ts';
import { Wakeup } from './wakeup.ts';

/** What a heartbeat tells. */
export interface HeartbeatEvents {
  /** Somebody asked for the task to be cancelled; may be told again. */
  readonly onCancel: () => void;
  /** Answers that were not delivered yet; repeated until `deliveredInputs` names them. */
  readonly onInputs: (inputs: Renewal['inputs']) => void;
  /** The task's limit as it is now; ms, null = none. */
  readonly onTimeout: (timeoutMs: number | null) => void;
  /** The attempt was replaced or deleted: nothing of it is wanted any more. Told once; the heartbeat ends. */
  readonly onGone: (error: unknown) => void;
  /** Ids of answers that arrived, for the next renewal. */
  readonly deliveredInputs: () => readonly string[];
}

/** Before this a run is so young that its claim needs no renewal, and most short runs need none at all; ms. */
const firstAfterMs = 1_000;
/** Pause after the first answer that came early and without news; ms. */
const earlyPauseMs = 50;
/** Longest pause between failed renewals: well under a lease; ms. */
const capMs = 5_000;

/**
 * Holds a claim alive, and hears what people want of the task. A long poll each two seconds, on a request of its own,
 * so that neither a slow upload nor a large one delays it. While the API is away it goes on trying: the run is not
 * ended for that.
 */
export class Heartbeat {
  readonly #parts: RetryParts;
  readonly #reporter: AttemptReporter;
  readonly #events: HeartbeatEvents;
  readonly #bell: Wakeup;

  constructor(parts: RetryParts, reporter: AttemptReporter, events: HeartbeatEvents) {
    this.#parts = parts;
    this.#reporter = reporter;
    this.#events = events;
    this.#bell = new Wakeup(parts.clock);
  }

  /** Asks at once instead of at the next beat: something is waited for. */
  hurry(): void {
    this.#bell.ring();
  }

  /** Beats until the signal ends it, or the attempt is gone. Never rejects. */
  async beat(signal: AbortSignal): Promise<void> {
    const stop = () => this.#bell.ring();
    signal.addEventListener('abort', stop, { once: true });
    const backoff = new Backoff(this.#parts, { firstMs: 500, capMs });
    await this.#bell.wait(firstAfterMs);
    let pauseMs = 0;
    while (!signal.aborted) {
      if (pauseMs > 0) await this.#bell.wait(pauseMs);
      if (signal.aborted) break;
      const askedAt = this.#parts.clock.monotonicMs();
      try {
        const isNews = await this.#renew(signal);
        backoff.reset();
        const tookMs = this.#parts.clock.monotonicMs() - askedAt;
        const isEarly = !isNews && tookMs < renewEveryMs / 2;
        // a server that answers at once without news is asked again more and more slowly
        pauseMs = isEarly ? Math.min(renewEveryMs, Math.max(earlyPauseMs, pauseMs * 2)) : 0;
      } catch (error) {
        if (signal.aborted) break;
        if (isGone(error)) {
          this.#events.onGone(error);
          break;
        }
        pauseMs = backoff.next(error);
        this.#parts.log.warn('the claim was not renewed; the run goes on', {
          error: messageOf(error),
          pauseMs,
        });
      }
    }
    signal.removeEventListener('abort', stop);
  }

  #cancelTold = false;
  /** inputs that were handed on, which takes its time */
  readonly #inputsTold = new Set<string>();

  /** @returns whether something was heard that was not known before */
  async #renew(signal: AbortSignal): Promise<boolean> {
    const delivered = this.#events.deliveredInputs();
    const answer = await this.#reporter.renew({ waitMs: renewEveryMs, deliveredInputs: delivered }, signal);
    this.#events.onTimeout(answer.timeoutMs);
    const inputs = answer.inputs.filter((input) => !delivered.includes(input.id));
    if (inputs.length > 0) this.#events.onInputs(inputs);
    const isNews = inputs.some(({ id }) => !this.#inputsTold.has(id)) || (answer.cancel && !this.#cancelTold);
    for (const { id } of inputs) this.#inputsTold.add(id);
    if (answer.cancel) {
      this.#cancelTold = true;
      this.#events.onCancel();
    }
    return isNews;
  }
}
