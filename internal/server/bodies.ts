/** How the bodies of requests are taken in: JSON by us, streams and parts left to the route. */
import type { FastifyInstance } from 'fastify';
import { InputError } from '../domain/errors.ts';
import { parseJson } from './parse-json.ts';

/** Largest JSON body when a route does not say otherwise; bytes. */
export const maxJsonBytes = 1024 * 1024;
/** Largest streamed body when a route does not say otherwise; bytes. */
export const maxStreamBytes = 64 * 1024 * 1024;

/**
 * Lets the routes of a scope take JSON, also when the content type is missing; an empty body counts as none.
 * Text that is not UTF-8 or not JSON is refused.
 */
export function acceptJson(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, readJson(body as Buffer, request.headers['content-type']));
    } catch (error) {
      done(error as Error);
    }
  });
}

/** Lets the routes of a scope take any body, of any type or none, as the bytes that came. */
export function acceptRaw(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

/** Lets the routes of a scope take any body, which stays unread. */
export function acceptStreams(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
}

const jsonType = /^\s*application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

function readJson(bytes: Buffer, contentType: string | undefined): unknown {
  if (bytes.length === 0) return undefined;
  if (contentType !== undefined && !jsonType.test(contentType)) {
    throw new InputError(
      'KERUTA_ERR_UNSUPPORTED_MEDIA',
      `Expected a JSON body (Content-Type: application/json); got ${JSON.stringify(contentType.slice(0, 100))}.`,
    );
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InputError('KERUTA_ERR_BAD_BODY', 'The body is not UTF-8; JSON is sent as UTF-8.', { cause });
  }
  return parseJson(text);
}
