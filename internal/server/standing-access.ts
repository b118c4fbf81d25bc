/** Tokens that are revoked while a request is under way. */
import type { FastifyReply } from 'fastify';
import type { Clock } from '../../pkg/clock/clock.ts';
import { DeniedError } from '../domain/errors.ts';

/** How often the tokens of requests that take long are looked at again; with the cache of tokens this is < 5 s; ms. */
const lookEveryMs = 1_000;
/** How long an answer may take to end after its token was found revoked; ms. */
const graceMs = 1_000;

/** A request that stands. */
interface Standing {
  readonly reply: FastifyReply;
  /** rejects with a DeniedError when the token is no longer good */
  readonly check: () => Promise<unknown>;
  /** ends long polls and event streams */
  readonly end: (reason: Error) => void;
}

/**
 * Ends requests whose token is revoked or expires while they are under way: long polls and event streams as if the client
 * had gone, anything else by its connection. A store that cannot be asked takes nobody's access away.
 */
export class StandingAccess {
  readonly #clock: Clock;
  readonly #standing = new Set<Standing>();
  #isLooking = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Looks after a request until its answer is complete or its connection gone. */
  watch(standing: Standing): void {
    this.#standing.add(standing);
    standing.reply.raw.once('close', () => this.#standing.delete(standing));
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#clock.after(lookEveryMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    // one after another: the first look at a token is remembered for the others
    for (const standing of [...this.#standing]) {
      const denied = await standing.check().then(
        () => null,
        (error: unknown) => (error instanceof DeniedError ? error : null),
      );
      if (denied) this.#revoke(standing, denied);
    }
    this.#isLooking = this.#standing.size > 0;
    if (this.#isLooking) this.#clock.after(lookEveryMs, () => void this.#look());
  }

  #revoke(standing: Standing, reason: DeniedError): void {
    if (!this.#standing.delete(standing)) return;
    standing.end(reason);
    const { raw } = standing.reply;
    // a connection that would be used again has ended nothing
    const cancel = this.#clock.after(graceMs, () => raw.destroy());
    raw.once('close', cancel);
  }
}
