import type { Clock } from '../../pkg/clock/clock.ts';
import type { Store, Topic } from '../store/store.ts';

/** How a wait ended. */
export type WakeReason = 'rung' | 'time' | 'stopped';

/**
 * Waits for the store to say "look" under a topic. A bell that rang since the last wait ends the next one at once, so
 * nothing is missed between looking and waiting. Subscribed from construction until `close`.
 */
export class Wakeup {
  readonly #unsubscribe: () => void;
  #rung = false;
  #ring: (() => void) | null = null;

  constructor(store: Store, topic: Topic) {
    this.#unsubscribe = store.subscribe(topic, () => {
      this.#rung = true;
      this.#ring?.();
    });
  }

  /** Waits for the bell, at most `ms`. Never rejects: an aborted signal is the reason `stopped`. */
  wait(clock: Clock, ms: number, signal: AbortSignal): Promise<WakeReason> {
    return new Promise((resolve) => {
      const end = (reason: WakeReason) => {
        cancelTimer();
        signal.removeEventListener('abort', onAbort);
        this.#ring = null;
        this.#rung = false;
        resolve(reason);
      };
      const onAbort = () => end('stopped');
      const cancelTimer = clock.after(ms, () => end('time'));
      if (signal.aborted) return end('stopped');
      if (this.#rung) return end('rung');
      signal.addEventListener('abort', onAbort, { once: true });
      this.#ring = () => end('rung');
    });
  }

  /** Ends the subscription. */
  close(): void {
    this.#unsubscribe();
  }
}
