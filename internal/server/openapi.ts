/** The OpenAPI 3.1 document, made of the routes' own shapes; the door of @fastify/swagger and of its zod provider. */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { createJsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { errorShape } from '../api/shapes.ts';
import type { Route } from './route.ts';

/** An OpenAPI document. */
export type OpenApiDocument = Readonly<Record<string, unknown>>;

/**
 * Makes the document. The routes are put into an application that never listens, so that the one which does is free of
 * schemas and starts fast.
 */
export async function makeDocument(
  about: { readonly version: string; readonly newFastify: () => FastifyInstance },
  routes: readonly Route[],
): Promise<OpenApiDocument> {
  const app = about.newFastify();
  // the shapes are for the document only: nothing is checked by them here
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  await app.register(swagger, {
    exposeHeadRoutes: true,
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'keruta',
        version: about.version,
        description: 'Sessions, tasks and what their runs leave behind. Errors have one shape everywhere.',
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'An opaque token: krt_…' },
        },
      },
      security: [{ token: [] }],
    },
    // biome-ignore lint/suspicious/noExplicitAny: the provider's own type is narrower than what it takes
    transform: createJsonSchemaTransform({ zodToJsonConfig: { unrepresentable: 'any' } }) as any,
  });
  app.register(async (scope) => {
    for (const route of routes) {
      scope.route({
        method: route.method,
        url: route.path,
        schema: schemaOf(route),
        handler: async () => null,
      });
    }
  });
  await app.ready();
  const document = app.swagger() as unknown as OpenApiDocument;
  await app.close();
  return document;
}

function schemaOf(route: Route): Record<string, unknown> {
  const open = route.access === 'open';
  const who = open ? 'Open: needs no token.' : `Token of scope: ${[...route.access].join(', ')}.`;
  return {
    summary: route.summary,
    description: who,
    tags: [route.tag],
    operationId: operationId(route),
    ...(open ? { security: [] } : {}),
    ...(route.params ? { params: route.params } : {}),
    ...(route.query ? { querystring: route.query } : {}),
    ...bodyOf(route),
    response: { ...answersOf(route), '4XX': errorShape.describe('What is wrong with the request.') },
  };
}

function bodyOf(route: Route): Record<string, unknown> {
  if (route.method === 'GET' || route.method === 'HEAD') return {};
  if (route.bodyKind === 'raw') return { consumes: ['application/json', 'application/octet-stream'] };
  if (route.bodyKind === 'stream') return { consumes: ['application/octet-stream'] };
  const consumes =
    route.bodyKind === 'multipart' ? { consumes: ['multipart/form-data', 'application/json'] } : {};
  return { ...consumes, ...(route.body ? { body: route.body } : {}) };
}

function answersOf(route: Route): Record<string, unknown> {
  const answers = Object.entries(route.answers ?? { 200: z.unknown() });
  return Object.fromEntries(
    answers.map(([status, shape]) => [
      status,
      shape === null ? z.null().describe('No content.') : shape.describe('The answer.'),
    ]),
  );
}

function operationId(route: Route): string {
  const words = route.path.replace('/api/v1', '').split(/[^A-Za-z0-9]+/);
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return `${route.method.toLowerCase()}${name || 'Root'}${route.path.startsWith('/api/v1') ? '' : 'Plain'}`;
}
