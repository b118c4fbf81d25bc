/** What the server's metrics read at the moment of asking. */
import type { Clock } from '../../../pkg/clock/clock.ts';
import { LabelCap } from '../../../pkg/metrics/label-cap.ts';
import type { Metrics, Sample } from '../../../pkg/metrics/metrics.ts';
import { serverMetricTable as table } from '../../domain/metric-table.ts';
import { openBreakers } from '../../session/open-breakers.ts';
import type { SessionParts } from '../../session/parts.ts';
import { overdueTriggers } from '../../session/trigger-status.ts';
import type { StoreFigures } from '../../store/store.ts';

/** So long one look at the store answers every scrape: several Prometheus ask at the same time; ms. */
const lookMs = 2_000;
/** An agent that was not heard of for longer is not counted; ms. */
const agentsSeenMs = 120_000;
/** Until then a store that gives no answer leaves its metrics out of the scrape; ms. */
const storeWaitMs = 3_000;

/** So many workflows whose breakers opened have names of their own; the others share `other`. */
const maxBreakerLabels = 200;

/** How a server is beside its store. */
export interface ServerFigures {
  readonly health: () => Promise<'healthy' | 'degraded' | 'unhealthy'>;
  /** longest hold-up of the last half minute; ms */
  readonly eventLoopDelayMs: () => number;
  readonly missedFacts: () => number;
  /** null = no traces are sent */
  readonly droppedSpans: () => number | null;
}

interface Look {
  readonly figures: StoreFigures;
  readonly overdue: number;
  readonly openBreakers: readonly string[];
  readonly isUp: boolean;
  readonly now: number;
  readonly skewMs: number;
}

const healthValues = { healthy: 2, degraded: 1, unhealthy: 0 } as const;

/** Adds what is read off the store and the process. Values of a store that gives no answer are left out. */
export function addFigures(metrics: Metrics, parts: SessionParts, figures: ServerFigures): void {
  const look = makeLook(parts);
  const ofStore = <T>(read: (seen: Look) => T) => look().then(read);
  const startedMs = parts.clock.monotonicMs();
  const breakers = makeBreakerSamples();
  const count = (seen: Look, status: string) =>
    seen.figures.tasks.find((one) => one.status === status)?.count ?? 0;
  metrics
    .read(table.activeTasks, () =>
      ofStore((seen) => count(seen, 'PROCESSING') + count(seen, 'WAITING_FOR_INPUT')),
    )
    .read(table.tasks, () =>
      ofStore((seen) =>
        ['PENDING', 'PROCESSING', 'WAITING_FOR_INPUT', 'LOST'].map((status) => ({
          labels: { status: status.toLowerCase() },
          value: count(seen, status),
        })),
      ),
    )
    .read(table.queueDepth, () => ofStore((seen) => seen.figures.queue.count))
    .read(table.oldestPending, () =>
      ofStore(({ now, figures: { queue } }) => Math.max(0, now - (queue.oldestAt ?? now)) / 1000),
    )
    .read(table.triggers, () =>
      ofStore((seen) =>
        Object.entries(seen.figures.triggers).map(([state, value]) => ({ labels: { state }, value })),
      ),
    )
    .read(table.overdueTriggers, () => ofStore((seen) => seen.overdue))
    .read(table.breakerOpen, () => ofStore((seen) => breakers(seen.openBreakers)))
    .read(table.agents, () => ofStore((seen) => seen.figures.agents))
    .read(table.clockSkew, () => ofStore((seen) => seen.skewMs / 1000))
    .read(table.storeUp, () =>
      look().then(
        (seen) => Number(seen.isUp),
        () => 0,
      ),
    )
    .read(table.health, async () => healthValues[await figures.health()])
    .read(table.eventLoopDelay, () => figures.eventLoopDelayMs() / 1000)
    .read(table.unobserved, figures.missedFacts)
    .read(table.spansDropped, figures.droppedSpans)
    .read(table.uptime, () => (parts.clock.monotonicMs() - startedMs) / 1000)
    .read(table.memory, () => process.memoryUsage.rss());
}

/** One that closes goes back to 0, so that an alert about it ends; those that were never open are left out. */
export function makeBreakerSamples(): (open: readonly string[]) => readonly Sample[] {
  const names = new LabelCap(maxBreakerLabels, 'other');
  const known = new Set<string>();
  return (open) => {
    const now = new Set(open.map((name) => names.of(name)));
    for (const name of now) known.add(name);
    return [...known].map((workflow) => ({ labels: { workflow }, value: now.has(workflow) ? 1 : 0 }));
  };
}

function makeLook(parts: SessionParts): () => Promise<Look> {
  let last: { readonly at: number; readonly look: Promise<Look> } | null = null;
  return () => {
    const at = parts.clock.monotonicMs();
    if (last === null || at - last.at > lookMs) last = { at, look: inTime(parts.clock, lookNow(parts)) };
    return last.look;
  };
}

async function lookNow(parts: SessionParts): Promise<Look> {
  const { store, clock } = parts;
  const askedAt = clock.now();
  const now = await store.now();
  // its answer was made somewhere between question and answer
  const skewMs = (askedAt + clock.now()) / 2 - now;
  const figuring = store.figures(now, now - agentsSeenMs);
  const [figures, open, overdue, health] = await Promise.all([
    figuring,
    figuring.then((found) => openBreakers(parts, found)),
    overdueTriggers(parts),
    store.health(),
  ]);
  return { figures, openBreakers: open, overdue: overdue.length, isUp: health.ok, now, skewMs };
}

async function inTime<T>(clock: Clock, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = clock.sleep(storeWaitMs, over.signal).then(() => {
    throw new Error('the store gave no answer in time');
  });
  late.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
    work.catch(() => {});
  }
}
