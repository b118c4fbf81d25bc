/** What the server tells about itself: the OpenAPI document, and the page made of it. */
import type { FastifyInstance } from 'fastify';
import { type Route, readers, route } from '../route.ts';

/** What these routes know beside the parts. */
export interface About {
  readonly version: string;
  /** for the OpenAPI document, which is made of an application that never listens */
  readonly newFastify: () => FastifyInstance;
}

/**
 * Makes these routes; each server has its own, because the document is made once per server.
 * @param listRoutes  called when the document is first asked for; gives every route, these among them
 */
export function aboutRoutes(about: About, listRoutes: () => readonly Route[]): readonly Route[] {
  let document: Promise<Record<string, unknown>> | null = null;
  const getDocument = () => {
    document ??= import('../openapi.ts').then(({ makeDocument }) => makeDocument(about, listRoutes()));
    return document;
  };
  return [
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
