import { formatUuid7, type Random, systemRandom } from '../../../../pkg/random/random.ts';
import { makeRandomOf } from '../../trigger/cron/random-of.ts';

/** Chance of which everything in a simulated year is made: the same year for the same seed. */
export class Chance {
  readonly #pick: ReturnType<typeof makeRandomOf>;

  constructor(seed: number) {
    this.#pick = makeRandomOf(seed);
  }

  /** Whether something of this probability happens. */
  is(probability: number): boolean {
    return this.fraction() < probability;
  }

  fraction(): number {
    return this.#pick(2 ** 30) / 2 ** 30;
  }

  /** A whole number. @param range  least and greatest */
  between([least, greatest]: readonly [number, number]): number {
    return least + this.#pick(greatest - least + 1);
  }

  /** What the server takes for chance: ids that sort by time, as those of the machine do. */
  asRandom(): Random {
    let [last, count] = [0, 0];
    const next = () => {
      count += 1;
      const bytes = Buffer.alloc(10, 1);
      bytes.writeUIntBE(count, 4, 6);
      return bytes;
    };
    return {
      ...systemRandom,
      uuid7: (now) => {
        last = now < last - 10_000 ? now : Math.max(last, now);
        return formatUuid7(last, next());
      },
      uuid4: () => formatUuid7(this.#pick(2 ** 30), next()),
      fraction: () => this.fraction(),
    };
  }
}
