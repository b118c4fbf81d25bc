import type { Clock } from '../../pkg/clock/clock.ts';
import { KerutaError } from '../domain/errors.ts';
import { deniedPauseMs } from './retry.ts';

/** Does a call, or refuses it with the error that the last one had. @see makeTokenGuard */
export type TokenGuard = <T>(call: () => Promise<T>) => Promise<T>;

/**
 * Makes the guard that all calls of an agent pass. When the server does not know the token, that goes for every call: the
 * others are refused here with the same error, so that one try is made each half minute and not one of each lane. Who comes
 * while that one is under way waits for what becomes of it.
 */
export function makeTokenGuard(clock: Clock): TokenGuard {
  let refusal: { readonly error: KerutaError; readonly until: number } | null = null;
  let probe: Promise<void> | null = null;
  const attempt: TokenGuard = async (call) => {
    try {
      const answer = await call();
      refusal = null;
      return answer;
    } catch (error) {
      if (error instanceof KerutaError && error.code === 'KERUTA_ERR_UNAUTHENTICATED')
        refusal = { error, until: clock.monotonicMs() + deniedPauseMs };
      throw error;
    }
  };
  return async (call) => {
    while (refusal !== null && probe !== null) await probe;
    if (refusal === null) return attempt(call);
    if (clock.monotonicMs() < refusal.until) throw refusal.error;
    const { promise, resolve } = Promise.withResolvers<void>();
    probe = promise;
    try {
      return await attempt(call);
    } finally {
      probe = null;
      resolve();
    }
  };
}
