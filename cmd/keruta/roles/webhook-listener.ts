/** A port that takes webhooks and nothing else, so that nothing else has to be reachable from where senders are. */
import { KerutaError } from '../../../internal/domain/errors.ts';
import type { ServerOptions } from '../../../internal/server/app.ts';
import type { CommandContext } from '../command.ts';
import { webhookPortOf } from './load-automation.ts';

/** What listens. */
export interface WebhookListener {
  /** the address; null: the automation file names no port, or it could not be taken (which the log says) */
  readonly url: string | null;
  close(): Promise<void>;
}

/**
 * Listens on the port that `[automation.webhook]` names, on the host of the server. A port that is taken does not keep the
 * server from its work: it takes the same webhooks.
 * @param at.serverPort  the port of the server itself, which needs no second listener
 */
export async function listenForWebhooks(
  context: Pick<CommandContext, 'home'>,
  options: ServerOptions,
  at: { readonly host: string; readonly serverPort: number },
): Promise<WebhookListener> {
  const port = webhookPortOf(context);
  if (port === null || (port === at.serverPort && port !== 0)) return { url: null, close: async () => {} };
  const { buildServer } = await import('../../../internal/server/app.ts');
  const { routes } = await import('../../../internal/server/routes.ts');
  const taken = routes.filter(({ tag, access }) => tag === 'webhooks' && access === 'open');
  const server = buildServer({ ...options, routes: taken, isOnlyTheseRoutes: true });
  try {
    const { url } = await server.listen({ host: at.host, port });
    options.logger.info('webhooks are taken on a port of their own', { url });
    return { url, close: () => server.close() };
  } catch (error) {
    if (!(error instanceof KerutaError)) throw error;
    options.logger.error('the port of the automation file cannot be taken', { port, reason: error.message });
    await server.close();
    return { url: null, close: async () => {} };
  }
}
