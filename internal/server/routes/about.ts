/** What the server tells about itself: health, the OpenAPI document, and the page made of it. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../../../pkg/clock/clock.ts';
import { abilities } from '../../api/protocol.ts';
import type { SessionParts } from '../../session/parts.ts';
import { overdueTriggers } from '../../session/trigger-status.ts';
import { type Route, type RouteAnswer, readers, route } from '../route.ts';

/** What these routes know beside the parts. */
export interface About {
  readonly version: string;
  readonly clock: Clock;
  /** for the OpenAPI document, which is made of an application that never listens */
  readonly newFastify: () => FastifyInstance;
  /** what is wrong beside the store */
  readonly problems: () => readonly string[];
  /** what does not work while the server does its work: `degraded` */
  readonly doubts: () => readonly string[];
}

const healthShape = z.object({
  status: z.enum(['UP', 'DOWN']),
  health: z.enum(['healthy', 'degraded', 'unhealthy']),
  reasons: z.array(z.string()),
  message: z.string(),
  version: z.string(),
  abilities: z.array(z.string()),
  timestamp: z.string(),
});

/** A store that takes longer than this to say how it is makes the server `degraded`; ms. */
const slowStoreMs = 1_000;
/** How long one look at the store answers every question about health; ms. */
const healthCacheMs = 500;

/**
 * Makes these routes; each server has its own, because the document is made once per server.
 * @param listRoutes  called when the document is first asked for; gives every route, these among them
 */
export function aboutRoutes(about: About, listRoutes: () => readonly Route[]): readonly Route[] {
  const look = makeHealthLook(about);
  let document: Promise<Record<string, unknown>> | null = null;
  const getDocument = () => {
    document ??= import('../openapi.ts').then(({ makeDocument }) => makeDocument(about, listRoutes()));
    return document;
  };
  const health = ['/healthz', '/readyz', '/health', '/api/health', '/api/v1/health'].map((path) =>
    route({
      method: 'GET',
      path,
      access: 'open',
      summary: 'Tells whether the server can do its work, and what it can do beyond the plain protocol.',
      tag: 'server',
      answers: { 200: healthShape, 503: healthShape },
      handle: async (_request, parts) => look(parts),
    }),
  );
  return [
    ...health,
    route({
      method: 'GET',
      path: '/api/v1/tasks/health',
      access: readers,
      summary: 'Tells that tasks are served, as older clients ask it.',
      tag: 'server',
      handle: async (_request, parts) => ({
        status: 200,
        body: { status: 'OK', controller: 'TaskController', timestamp: String(await parts.store.now()) },
      }),
    }),
    route({
      method: 'GET',
      path: '/api/v1/openapi.json',
      access: 'open',
      summary: 'Gives this description as an OpenAPI 3.1 document.',
      tag: 'server',
      handle: async () => ({ status: 200, body: await getDocument() }),
    }),
    route({
      method: 'GET',
      path: '/docs',
      access: 'open',
      summary: 'Shows this description as a page.',
      tag: 'server',
      handle: async () => {
        const { docsPage, docsHeaders } = await import('../docs-page.ts');
        return { status: 200, headers: docsHeaders, body: docsPage(await getDocument()) };
      },
    }),
  ];
}

function makeHealthLook(about: About): (parts: SessionParts) => Promise<RouteAnswer> {
  let last: { readonly at: number; readonly answer: Promise<RouteAnswer> } | null = null;
  return (parts) => {
    const at = about.clock.monotonicMs();
    if (last === null || at - last.at > healthCacheMs) last = { at, answer: lookNow(parts, about) };
    return last.answer;
  };
}

async function lookNow(
  parts: SessionParts,
  { version, clock, problems, doubts }: Pick<About, 'version' | 'clock' | 'problems' | 'doubts'>,
): Promise<RouteAnswer> {
  const began = clock.monotonicMs();
  const store = await parts.store.health().catch(() => ({ ok: false, message: 'the store gives no answer' }));
  const tookMs = Math.round(clock.monotonicMs() - began);
  const slow = store.ok && tookMs > slowStoreMs;
  const faults = [...(store.ok ? [] : [`store: ${store.message}`]), ...problems()];
  const works = faults.length === 0;
  const overdue = store.ok ? await overdueTriggers(parts).catch(() => []) : [];
  const doubtful = [
    ...(slow ? [`store: it took ${tookMs} ms to answer`] : []),
    ...doubts(),
    ...(overdue.length > 0 ? [`triggers: ${overdue.join(', ')} missed two instants or more`] : []),
  ];
  const reasons = [...faults, ...doubtful];
  const health = !works ? 'unhealthy' : doubtful.length > 0 ? 'degraded' : 'healthy';
  const body: z.infer<typeof healthShape> = {
    status: works ? 'UP' : 'DOWN',
    health,
    reasons,
    message: reasons.join('; ') || 'everything is in order',
    version,
    abilities: [...abilities],
    timestamp: new Date(clock.now()).toISOString(),
  };
  return { status: works ? 200 : 503, headers: { 'cache-control': 'no-store' }, body };
}
