/** What Prometheus reads. */
import type { Metrics } from '../../../pkg/metrics/metrics.ts';
import { requireUnbound } from '../../session/authorize.ts';
import { type Route, route } from '../route.ts';

/** Makes the route of metrics. */
export function metricsRoutes(metrics: Metrics): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/metrics',
      access: ['admin', 'read-only'],
      summary: 'Shows the metrics of the server in the text format of Prometheus.',
      tag: 'server',
      whileAway: true,
      handle: async ({ caller }) => {
        requireUnbound(caller, 'metrics');
        const { type, body } = await metrics.text();
        return { status: 200, headers: { 'content-type': type, 'cache-control': 'no-store' }, body };
      },
    }),
  ];
}
