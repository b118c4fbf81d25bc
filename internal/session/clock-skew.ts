/** How far the clock of this server is from that of the database, which decides when triggers fire. */
import type { Log } from '../../pkg/log/log.ts';

/** From here on it is said in the log: times that both wrote look odd beside each other; ms. */
const oddMs = 2_000;
/** From here on the server is degraded: something is wrong with the machine; ms. */
const wrongMs = 60_000;

/** Watches the distance of two clocks. */
export class ClockSkew {
  readonly #log: Log;
  #skewMs = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Takes note of one look at the store's clock. All epoch ms.
   * @param before,after  our clock before it was asked and when it had answered: between them the clocks agree
   */
  note({
    before,
    store,
    after,
  }: {
    readonly before: number;
    readonly store: number;
    readonly after: number;
  }): void {
    const skewMs = store < before ? before - store : Math.min(0, after - store);
    const [was, is] = [Math.abs(this.#skewMs) > oddMs, Math.abs(skewMs) > oddMs];
    this.#skewMs = skewMs;
    if (is && !was) this.#log.warn('the clocks of this server and of the database differ', { skewMs });
    if (was && !is) this.#log.info('the clocks of this server and of the database agree again', { skewMs });
  }

  /** How far ours is ahead, ms; negative: behind. */
  get skewMs(): number {
    return this.#skewMs;
  }

  /** What is doubtful about it; null when little or nothing is. */
  doubt(): string | null {
    if (Math.abs(this.#skewMs) <= wrongMs) return null;
    const seconds = Math.round(Math.abs(this.#skewMs) / 1000);
    const way = this.#skewMs > 0 ? 'ahead of' : 'behind';
    return `clock: this server's is ${seconds} s ${way} the database's, by which triggers fire; set it right`;
  }
}
