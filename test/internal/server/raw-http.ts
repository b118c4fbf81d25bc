import { connect, type Socket } from 'node:net';
import { adminToken, type TestServer } from './start-server.ts';

/** A connection on which a test writes HTTP by hand, and what came back until it was closed. */
export interface RawConnection {
  readonly socket: Socket;
  /** everything that came so far */
  readonly text: () => string;
  /** resolves when the server, or the test, has closed it: with all that came */
  readonly closed: Promise<string>;
}

/** Opens one. Errors of the connection count as its end. */
export async function openRaw(server: Pick<TestServer, 'url'>): Promise<RawConnection> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => {});
  const closed = new Promise<string>((resolve) => {
    socket.once('close', () => resolve(text));
  });
  const connected = new Promise((resolve) => {
    socket.once('connect', resolve);
  });
  await Promise.race([connected, closed]);
  return { socket, text: () => text, closed };
}

/** The beginning of a request as an administrator, up to and without the empty line. */
export function head(method: string, path: string, headers: readonly string[] = []): string {
  return [
    `${method} ${path} HTTP/1.1`,
    'Host: x',
    `Authorization: Bearer ${adminToken}`,
    ...headers,
    '',
  ].join('\r\n');
}

/** Status and parsed body of the first answer in a text. */
export function parseRaw(text: string): { readonly status: number; readonly code: string } {
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  return { status, code: /"code":"(\w+)"/.exec(text)?.[1] ?? '' };
}
