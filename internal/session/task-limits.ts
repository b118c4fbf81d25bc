/** How many tasks one session may be given, so that a script that submits in a loop does not fill the store. */
import { TokenBuckets } from '../../pkg/rate/token-bucket.ts';
import { UnavailableError } from '../domain/errors.ts';
import type { Session } from '../domain/session.ts';
import type { Reads } from '../store/store.ts';
import type { SessionParts } from './parts.ts';

/** New tasks of one session in a minute, when nothing else is set. */
export const defaultTasksPerMinute = 6_000;
/** Tasks of one session that wait to be run, when nothing else is set. */
export const defaultPendingTasks = 10_000;

/** When somebody whose queue is full may come again: a queue of that length takes a while; ms. */
const fullQueueRetryMs = 60_000;

/** Waiting tasks are not counted anew for so long while less than half of the limit is taken: counting takes the longer the more there are; ms. */
const countedMs = 500;
/** Sessions whose counts are kept. */
const maxCounted = 1_000;

/** What was counted, and what this server added since: by session, of each store. */
const counts = new WeakMap<object, Map<string, { readonly at: number; readonly atMost: number }>>();

/** The rates of each store; servers that share a database have one each. */
const rates = new WeakMap<object, TokenBuckets>();

/**
 * Refuses one more task for a session that has enough. To be asked for tasks that are new, not for repetitions.
 * @throws {UnavailableError} KERUTA_ERR_RATE_LIMITED with `details.limit` and `details.retryAfterMs`
 */
export function checkTaskLimits(parts: SessionParts, reads: Reads, session: Session): Promise<void> {
  return checkManyTasks(parts, reads, { session, count: 1 });
}

/**
 * Likewise for many at once: all of them, or none.
 * @throws as checkTaskLimits
 */
export async function checkManyTasks(
  parts: SessionParts,
  reads: Reads,
  { session, count }: { readonly session: Session; readonly count: number },
): Promise<void> {
  const { maxTasksPerMinute = defaultTasksPerMinute, maxPendingTasks = defaultPendingTasks } = parts;
  if (!(await hasRoom(parts, reads, { session, count, max: maxPendingTasks }))) {
    throw tooManyTasks(session, {
      limit: 'maxPendingTasks',
      max: maxPendingTasks,
      of: 'waiting tasks',
      retryAfterMs: fullQueueRetryMs,
    });
  }
  const [rate, now] = [rateOf(parts, maxTasksPerMinute), parts.clock.monotonicMs()];
  let retryAfterMs = 0;
  for (let n = 0; n < count && retryAfterMs === 0; n++) retryAfterMs = rate.take(session.id, now);
  if (retryAfterMs > 0) {
    const of = 'new tasks in a minute';
    throw tooManyTasks(session, { limit: 'maxTasksPerMinute', max: maxTasksPerMinute, of, retryAfterMs });
  }
}

async function hasRoom(
  { store, clock }: SessionParts,
  reads: Reads,
  { session, count, max }: { readonly session: Session; readonly count: number; readonly max: number },
): Promise<boolean> {
  const ofStore = counts.get(store) ?? new Map<string, { readonly at: number; readonly atMost: number }>();
  counts.set(store, ofStore);
  const [known, now] = [ofStore.get(session.id), clock.monotonicMs()];
  if (known !== undefined && now - known.at < countedMs && known.atMost + count <= max / 2) {
    ofStore.set(session.id, { at: known.at, atMost: known.atMost + count });
    return true;
  }
  const pending = await reads.countTasks({ sessionId: session.id, statuses: ['PENDING'] });
  if (ofStore.size >= maxCounted) ofStore.clear();
  ofStore.set(session.id, { at: now, atMost: pending + count });
  return pending + count <= max;
}

function rateOf({ store }: SessionParts, perMinute: number): TokenBuckets {
  let rate = rates.get(store);
  if (!rate) {
    rate = new TokenBuckets({ perSecond: perMinute / 60, burst: perMinute });
    rates.set(store, rate);
  }
  return rate;
}

function tooManyTasks(
  session: Session,
  over: {
    readonly limit: string;
    readonly max: number;
    readonly of: string;
    readonly retryAfterMs: number;
  },
): UnavailableError {
  const { of, ...details } = over;
  return new UnavailableError(
    'KERUTA_ERR_RATE_LIMITED',
    `Session ${session.name} has reached the limit ${over.limit} of ${over.max} ${of}; ` +
      `submit again after ${Math.ceil(over.retryAfterMs / 1000)} s.`,
    { details },
  );
}
