/** The door of @fastify/multipart: bodies of several parts, read one after another without being kept in memory. */
import fastifyMultipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { InputError } from '../domain/errors.ts';
import type { MultipartPart } from './route.ts';

/** Most parts in one body, and most bytes of one field. */
const limits = { parts: 100, fieldSize: 65_536, headerPairs: 100 };

/** Lets the routes of a scope take multipart bodies. */
export function acceptMultipart(scope: FastifyInstance): void {
  scope.register(fastifyMultipart, { limits });
}

/** @see RouteRequest.parts */
export async function* readParts(
  request: FastifyRequest,
  maxFileBytes: number,
): AsyncGenerator<MultipartPart, void, void> {
  if (!request.isMultipart?.()) {
    throw new InputError(
      'KERUTA_ERR_UNSUPPORTED_MEDIA',
      `Expected a multipart/form-data body with a part named file; got ${request.headers['content-type'] ?? 'none'}.`,
    );
  }
  for await (const part of request.parts({ limits: { ...limits, fileSize: maxFileBytes } })) {
    if (part.type === 'field') {
      yield { kind: 'field', name: part.fieldname, value: String(part.value) };
    } else {
      const { fieldname: name, filename, mimetype: contentType, file: stream } = part;
      yield { kind: 'file', name, filename, contentType, stream };
    }
  }
}
