import type { Clock } from '../../pkg/clock/clock.ts';
import type { Log } from '../../pkg/log/log.ts';
import { DeniedError } from '../domain/errors.ts';

/** One line for each address and this time; ms. */
const lineEveryMs = 60_000;
/** So many addresses are remembered; more begin again from nothing. */
const maxAddresses = 1_000;

/** Tells the log from where tokens come that are no good. Nothing goes into the store: who has no token could fill it. */
export class RefusedTokens {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #seen = new Map<string, { toldAt: number; untold: number }>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Looks at why a request with a token was turned away. @param from.address  of the client, if it is known */
  note(error: unknown, from: { readonly address: string | undefined; readonly route: string }): void {
    if (!(error instanceof DeniedError) || error.code !== 'KERUTA_ERR_UNAUTHENTICATED') return;
    const { address = 'unknown', route } = from;
    const now = this.#clock.monotonicMs();
    const seen = this.#seen.get(address);
    if (seen !== undefined && now - seen.toldAt < lineEveryMs) {
      seen.untold++;
      return;
    }
    if (this.#seen.size >= maxAddresses) this.#seen.clear();
    this.#seen.set(address, { toldAt: now, untold: 0 });
    const times = (seen?.untold ?? 0) + 1;
    this.#log.warn('a token was refused', { address, route, reason: error.message, times });
  }
}
