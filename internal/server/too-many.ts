import { UnavailableError } from '../domain/errors.ts';

/** The refusal of a client that has enough: 429, with the time after which it may come again. */
export function tooMany(over: {
  /** the name of the limit, as settings call it */
  readonly limit: string;
  readonly max: number;
  /** says what there is too much of: `connections at a time`, `requests per second` */
  readonly of: string;
  readonly retryAfterMs: number;
}): UnavailableError {
  const { limit, max, of, retryAfterMs } = over;
  return new UnavailableError(
    'KERUTA_ERR_RATE_LIMITED',
    `The limit ${limit} of ${max} ${of} is reached; repeat this after ${Math.ceil(retryAfterMs / 1000)} s.`,
    { details: { limit, max, retryAfterMs } },
  );
}
