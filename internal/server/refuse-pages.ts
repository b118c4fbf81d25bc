import type { IncomingMessage } from 'node:http';
import { refuseRequest } from '../../pkg/local-http/refuse-request.ts';
import { DeniedError } from '../domain/errors.ts';

/**
 * Keeps the pages of a browser away from a server that asks for no token: they reach it from another site, or by a name that
 * somebody lets lead to this machine.
 * @throws {DeniedError} KERUTA_ERR_FORBIDDEN
 */
export function refusePages({ headers, socket }: IncomingMessage): void {
  const refusal = refuseRequest(headers, [socket.localAddress ?? '']);
  if (refusal === null) return;
  throw new DeniedError(
    'KERUTA_ERR_FORBIDDEN',
    `A server without authentication is for programs on its own machine: ${refusal.json.error}. ` +
      'Call it by 127.0.0.1 or localhost, or start it without --dev-no-auth.',
  );
}
