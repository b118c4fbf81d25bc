/** How often a token may ask. */
import type { Clock } from '../../pkg/clock/clock.ts';
import { TokenBuckets } from '../../pkg/rate/token-bucket.ts';
import type { Caller } from '../session/parts.ts';
import type { ServerLimits } from './limits.ts';
import type { Route } from './route.ts';
import { tooMany } from './too-many.ts';

/** Many who ask at once after a pause are let through: so many seconds' worth. */
const burstSeconds = 2;

/**
 * Makes the check of one server. What only agents ask (`unmetered` routes) is counted for no token: output comes as fast as
 * a script writes, and each request refused would be a delay in a log.
 *
 * @returns throws {UnavailableError} KERUTA_ERR_RATE_LIMITED
 */
export function makeRequestRate(
  clock: Clock,
  limits: Pick<ServerLimits, 'requestsPerSecond' | 'adminRequestsPerSecond' | 'sessionRequestsPerSecond'>,
): (caller: Caller, route: Pick<Route, 'access' | 'unmetered'>) => void {
  const bucketsOf = (perSecond: number) => new TokenBuckets({ perSecond, burst: perSecond * burstSeconds });
  const ofSessions = {
    limit: 'sessionRequestsPerSecond',
    buckets: bucketsOf(limits.sessionRequestsPerSecond),
  } as const;
  const rates = {
    'read-only': { limit: 'requestsPerSecond', buckets: bucketsOf(limits.requestsPerSecond) },
    admin: { limit: 'adminRequestsPerSecond', buckets: bucketsOf(limits.adminRequestsPerSecond) },
    session: ofSessions,
    task: ofSessions,
  } as const;
  return ({ scope, actor }, route) => {
    if (route.access === 'open' || route.unmetered) return;
    const { limit, buckets } = rates[scope];
    const retryAfterMs = buckets.take(actor, clock.monotonicMs());
    if (retryAfterMs === 0) return;
    throw tooMany({ limit, max: limits[limit], of: 'requests per second of one token', retryAfterMs });
  };
}
