/** Whether the server can do its work (readiness), and whether it would help to start it anew (liveness). */
import { z } from 'zod';
import type { Clock } from '../../../pkg/clock/clock.ts';
import { abilities } from '../../api/protocol.ts';
import { openBreakers } from '../../session/open-breakers.ts';
import type { SessionParts } from '../../session/parts.ts';
import { overdueTriggers } from '../../session/trigger-status.ts';
import type { StoreFigures } from '../../store/store.ts';
import { type Route, route } from '../route.ts';

/** How a server is: `degraded` works, but something is to be looked at. */
export type HealthWord = 'healthy' | 'degraded' | 'unhealthy';

/** What health is made of beside the store. Each gives one line for each thing that is wrong. */
export interface HealthParts {
  readonly version: string;
  readonly clock: Clock;
  /** what keeps the server from its work: `unhealthy` */
  readonly problems: () => readonly string[];
  /** what does not work while the server does its work: `degraded` */
  readonly doubts: () => readonly string[];
  /** what does not mend until the server is started anew */
  readonly broken: () => readonly string[];
}

const healthShape = z.object({
  status: z.enum(['UP', 'DOWN']),
  health: z.enum(['healthy', 'degraded', 'unhealthy']),
  reasons: z.array(z.string()),
  message: z.string(),
  store: z.enum(['ok', 'slow', 'unavailable']),
  /** what works beside requests: leases are looked at, triggers fire */
  engine: z.enum(['ok', 'failing']),
  /** null: the store could not say */
  triggers: z.object({ awake: z.number(), held: z.number(), disabled: z.number() }).nullable(),
  /** names of workflows whose breaker is not closed; null: the store could not say */
  openBreakers: z.array(z.string()).nullable(),
  version: z.string(),
  abilities: z.array(z.string()),
  timestamp: z.string(),
});
/** The body of an answer about health. */
export type HealthBody = z.infer<typeof healthShape>;

const liveShape = z.object({ status: z.enum(['UP', 'DOWN']), reasons: z.array(z.string()) });

/** A store that takes longer than this to say how it is makes the server `degraded`; ms. */
const slowStoreMs = 1_000;
/** How long one look at the store answers every question about health; ms. */
const healthCacheMs = 500;
/** A clock that is further from the database's makes the server `degraded`; ms. */
const maxSkewMs = 60_000;

/** Makes the routes of health. */
export function healthRoutes(
  { broken }: HealthParts,
  look: (parts: SessionParts) => Promise<HealthBody>,
): readonly Route[] {
  const ready = ['/healthz', '/readyz', '/health', '/api/health', '/api/v1/health'].map((path) =>
    route({
      method: 'GET',
      path,
      access: 'open',
      summary: 'Tells whether the server can do its work, and what it can do beyond the plain protocol.',
      tag: 'server',
      answers: { 200: healthShape, 503: healthShape },
      handle: async (_request, parts) => {
        const body = await look(parts);
        return {
          status: body.status === 'UP' ? 200 : 503,
          headers: { 'cache-control': 'no-store' },
          body,
        };
      },
    }),
  );
  return [
    ...ready,
    route({
      method: 'GET',
      path: '/livez',
      access: 'open',
      summary:
        'Tells whether the server lives: 503 only for what a new start would mend, so not for its database.',
      tag: 'server',
      answers: { 200: liveShape, 503: liveShape },
      handle: async () => {
        const reasons = [...broken()];
        const status = reasons.length === 0 ? 'UP' : 'DOWN';
        const body: z.infer<typeof liveShape> = { status, reasons };
        return { status: status === 'UP' ? 200 : 503, headers: { 'cache-control': 'no-store' }, body };
      },
    }),
  ];
}

/** Makes the look behind these routes: one that was made just now is given again. */
export function makeHealthLook(about: HealthParts): (parts: SessionParts) => Promise<HealthBody> {
  let last: { readonly at: number; readonly body: Promise<HealthBody> } | null = null;
  return (parts) => {
    const at = about.clock.monotonicMs();
    if (last === null || at - last.at > healthCacheMs) last = { at, body: lookNow(parts, about) };
    return last.body;
  };
}

async function lookNow(parts: SessionParts, about: HealthParts): Promise<HealthBody> {
  const { version, clock, problems, doubts } = about;
  const began = clock.monotonicMs();
  const store = await parts.store.health().catch(() => ({ ok: false, message: 'the store gives no answer' }));
  const tookMs = Math.round(clock.monotonicMs() - began);
  const slow = store.ok && tookMs > slowStoreMs;
  const found = store.ok ? await lookAtTriggers(parts).catch(() => null) : null;
  const failing = problems();
  const faults = [...(store.ok ? [] : [`store: ${store.message}`]), ...failing];
  const overdue = found?.overdue ?? [];
  const skewMs = found?.skewMs ?? 0;
  const doubtful = [
    ...(slow ? [`store: it took ${tookMs} ms to answer`] : []),
    ...doubts(),
    ...(Math.abs(skewMs) > maxSkewMs
      ? [`clock: ${Math.round(skewMs / 1000)} s away from the database's`]
      : []),
    ...(overdue.length > 0 ? [`triggers: ${overdue.join(', ')} missed two instants or more`] : []),
  ];
  const reasons = [...faults, ...doubtful];
  return {
    status: faults.length === 0 ? 'UP' : 'DOWN',
    health: faults.length > 0 ? 'unhealthy' : doubtful.length > 0 ? 'degraded' : 'healthy',
    reasons,
    message: reasons.join('; ') || 'everything is in order',
    store: store.ok ? (slow ? 'slow' : 'ok') : 'unavailable',
    engine: failing.length === 0 ? 'ok' : 'failing',
    triggers: found?.triggers ?? null,
    openBreakers: found === null ? null : [...found.openBreakers],
    version,
    abilities: [...abilities],
    timestamp: new Date(clock.now()).toISOString(),
  };
}

interface TriggerLook {
  readonly overdue: readonly string[];
  readonly triggers: StoreFigures['triggers'];
  readonly openBreakers: readonly string[];
  /** how far our clock is ahead of the database's; ms */
  readonly skewMs: number;
}

async function lookAtTriggers(parts: SessionParts): Promise<TriggerLook> {
  const { store, clock } = parts;
  const now = await store.now();
  const skewMs = clock.now() - now;
  const figures = await store.figures(now, now);
  const open = await openBreakers(parts, figures);
  return { overdue: await overdueTriggers(parts), triggers: figures.triggers, openBreakers: open, skewMs };
}
