import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Route, RouteAnswer } from '../route.ts';
import type { DeliveryResult, ServerMetrics } from './server-metrics.ts';

/** Counts the requests of one server. */
export interface RequestCount {
  /** Remembers what a route answered, until the answer was sent. */
  note(request: FastifyRequest, answer: RouteAnswer): void;
  /** Counts a request that is over, also one that no route took. */
  onResponse(request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

/** @param routes  every route there is: a label is one of their templates, never what a client sent */
export function countRequests(metrics: ServerMetrics, routes: readonly Route[]): RequestCount {
  const nameOf = (method: string, path: string) => `${method} ${path}`;
  const known = new Map(routes.map((route) => [nameOf(route.method, route.path), route]));
  const results = new WeakMap<FastifyRequest, NonNullable<RouteAnswer['result']>>();
  return {
    note: (request, { result }) => {
      if (result !== undefined) results.set(request, result);
    },
    onResponse: async (request, reply) => {
      const { url = '' } = request.routeOptions;
      const route = known.get(nameOf(request.method, url));
      const status = reply.statusCode;
      const isTimed = route !== undefined && route.live === undefined && route.waits === undefined;
      const tookMs = isTimed ? reply.elapsedTime : null;
      metrics.request({ method: request.method, route: route?.path ?? 'unknown', status, tookMs });
      if (route?.delivers) metrics.delivery(results.get(request) ?? refusalOf(status));
    },
  };
}

function refusalOf(status: number): DeliveryResult {
  if (status === 401) return 'unsigned';
  if (status === 429) return 'limited';
  return status < 500 ? 'bad' : 'failed';
}
