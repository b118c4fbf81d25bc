import type { Clock } from './clock.ts';

interface Waiting {
  readonly at: number;
  readonly action: () => void;
}

/** A clock that stands still until a test moves it. Wall and monotonic time can be moved apart. */
export class TestClock implements Clock {
  #wall: number;
  #monotonic = 0;
  #waiting: Waiting[] = [];

  /** @param wall the wall clock at the start; epoch ms, default 2026-01-01T00:00:00Z */
  constructor(wall = Date.UTC(2026, 0, 1)) {
    this.#wall = wall;
  }

  now(): number {
    return this.#wall;
  }

  monotonicMs(): number {
    return this.#monotonic;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const cancel = this.after(ms, resolve);
      signal?.addEventListener(
        'abort',
        () => {
          cancel();
          reject(signal.reason);
        },
        { once: true },
      );
    });
  }

  after(ms: number, action: () => void): () => void {
    const entry = { at: this.#monotonic + ms, action };
    this.#waiting.push(entry);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== entry);
    };
  }

  /** Lets `ms` pass on both clocks; everything that falls due runs in order of its time. */
  advance(ms: number): void {
    const end = this.#monotonic + ms;
    for (;;) {
      const due = this.#waiting.filter((entry) => entry.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#waiting = this.#waiting.filter((other) => other !== due);
      this.#wall += Math.max(0, due.at - this.#monotonic);
      this.#monotonic = Math.max(this.#monotonic, due.at);
      due.action();
    }
    this.#wall += end - this.#monotonic;
    this.#monotonic = end;
  }

  /** Moves the wall clock alone, as an operator or NTP does; `ms` may be negative. */
  jump(ms: number): void {
    this.#wall += ms;
  }
}
