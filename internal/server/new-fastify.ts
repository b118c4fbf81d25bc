/** The HTTP layer itself: its times and sizes, and its answers to what is no request. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { InputError, UnavailableError } from '../domain/errors.ts';
import { type AnswerMeta, toErrorAnswer } from './error-answer.ts';
import { maxHeaderBytes, type ServerLimits } from './limits.ts';
import { readTrustedProxies } from './trusted-proxies.ts';

/** How often node looks for connections whose headers are late; ms. */
const connectionsCheckMs = 1_000;

/** Makes an application without routes. */
export function newFastify(options: {
  readonly limits: ServerLimits;
  readonly sendError: (error: unknown, request: FastifyRequest, reply: FastifyReply) => unknown;
  readonly meta: () => AnswerMeta;
}): FastifyInstance {
  const { limits, sendError, meta } = options;
  return Fastify({
    logger: false,
    // addresses that cannot be read never reach a route
    frameworkErrors: (error, request, reply) => {
      sendError(error, request, reply);
    },
    clientErrorHandler: (error, socket) => answerRaw(socket, error, meta()),
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: true,
    // 0 = none: bodies have limits of their own, in body-time.ts
    requestTimeout: 0,
    connectionTimeout: limits.idleTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    trustProxy: readTrustedProxies(limits.trustedProxies),
    routerOptions: { maxParamLength: 1024, ignoreTrailingSlash: true },
    http: {
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: connectionsCheckMs,
      // node refuses what reaches it
      maxHeaderSize: maxHeaderBytes + 1,
    },
    rewriteUrl: (request) => collapseSlashes(request.url ?? '/'),
  });
}

/** Old clients put a base address that ends in a slash before a path that begins with one. */
function collapseSlashes(url: string): string {
  if (!url.includes('//')) return url;
  const end = url.indexOf('?');
  const path = end === -1 ? url : url.slice(0, end);
  return path.replace(/\/{2,}/g, '/') + (end === -1 ? '' : url.slice(end));
}

/** Tells a client whose request never came to be why its connection ends. */
function answerRaw(socket: Socket, error: Error, meta: AnswerMeta): void {
  const code = (error as { code?: unknown }).code;
  if (code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) {
    const { status, body } = toErrorAnswer(refusalOf(code), meta);
    const text = JSON.stringify(body);
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
        `Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
    );
  }
  socket.destroy(error);
}

function refusalOf(code: unknown): Error {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new UnavailableError('KERUTA_ERR_REQUEST_TIMEOUT', 'The request did not arrive in time.');
    case 'HPE_HEADER_OVERFLOW':
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new InputError(
        'KERUTA_ERR_HEADERS_TOO_LARGE',
        `The headers of the request are over the ${maxHeaderBytes} bytes that are taken.`,
        { details: { maxBytes: maxHeaderBytes } },
      );
    default:
      return new InputError('KERUTA_ERR_BAD_BODY', 'What came is not an HTTP request.');
  }
}
