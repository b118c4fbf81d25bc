import type { Clock } from '../../pkg/clock/clock.ts';

/** A bell: whoever waits goes on when it is rung. A ring while nobody waits is kept for the next wait, once. */
export class Wakeup {
  readonly #clock: Clock;
  #rung = false;
  #waiting: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Wakes everybody who waits, or the next one who will. */
  ring(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#rung = waiting.length === 0;
    for (const go of waiting) go();
  }

  /** Waits for a ring, at most `ms`. Never rejects. */
  wait(ms: number): Promise<void> {
    if (this.#rung) {
      this.#rung = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, resolve);
      this.#waiting.push(() => {
        cancel();
        resolve();
      });
    });
  }
}
