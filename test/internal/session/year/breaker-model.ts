import { expect } from 'vitest';

/** A breaker as the guide tells it, written down once more and simply: it judges what the server lets run. */
export class BreakerModel {
  opened = 0;
  closed = 0;
  #results = '';
  #openedAt: number | null = null;
  #coolOffMs = 0;
  #probe: string | null = null;
  readonly #rule: { window: number; inARow: number; rate: number; coolOffMs: number; maxCoolOffMs: number };

  constructor(rule: {
    window: number;
    inARow: number;
    rate: number;
    coolOffMs: number;
    maxCoolOffMs: number;
  }) {
    this.#rule = rule;
  }

  get isOpen(): boolean {
    return this.#openedAt !== null;
  }

  /** While it is open nothing starts but one probe, and that after the cool-off. */
  start(id: string, at: number): void {
    if (this.#openedAt === null) return;
    expect(this.#probe, 'a second probe').toBeNull();
    expect(at, 'a probe that is too early').toBeGreaterThanOrEqual(this.#openedAt + this.#coolOffMs);
    this.#probe = id;
  }

  end(id: string, status: string, at: number): void {
    const { window, inARow, rate, coolOffMs, maxCoolOffMs } = this.#rule;
    if (this.#openedAt !== null) {
      if (id !== this.#probe) return;
      this.#probe = null;
      if (status === 'FAILED') this.#open(at, Math.min(maxCoolOffMs, this.#coolOffMs * 2));
      if (status === 'COMPLETED') this.#close();
      return;
    }
    if (status === 'CANCELLED') return;
    this.#results += status === 'FAILED' ? 'F' : 'S';
    const recent = this.#results.slice(-window);
    const share = [...recent].filter((one) => one === 'F').length / recent.length;
    if (this.#results.endsWith('F'.repeat(inARow)) || (recent.length >= 5 && share > rate))
      this.#open(at, coolOffMs);
  }

  #open(at: number, coolOffMs: number): void {
    this.opened += 1;
    this.#openedAt = at;
    this.#coolOffMs = coolOffMs;
  }

  #close(): void {
    this.closed += 1;
    this.#openedAt = null;
    this.#results = '';
  }
}
