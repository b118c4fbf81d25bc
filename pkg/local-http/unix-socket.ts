/** The same server on a socket in the file system: no browser reaches it, and the file's mode says who may connect. */
import { chmodSync, lstatSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { closeServer, createLocalServer } from './answer-request.ts';
import type { LocalRoutes } from './local-http.ts';

/** Longest path of a socket, in bytes: 108 in the kernel's structure, one of them the end. @see unix(7) */
export const maxSocketPathBytes = 107;

/** Somebody listens on the socket already, or the path holds something that is no socket. */
export class SocketTakenError extends Error {
  readonly path: string;

  constructor(path: string) {
    super(`${path} belongs to another program`);
    this.name = 'SocketTakenError';
    this.path = path;
  }
}

/** A socket that listens. */
export interface LocalSocket {
  readonly path: string;
  /** Also removes the file. */
  close(): Promise<void>;
}

/** Whether a path is short enough for a socket. */
export function fitsSocket(path: string): boolean {
  return Buffer.byteLength(path) <= maxSocketPathBytes;
}

/**
 * Listens on a socket of mode 0600. One that a dead process left is replaced, a live one never.
 *
 * @param path  in a directory that nobody else may enter: between its making and its mode the file is open to others
 * @throws {SocketTakenError}; other faults of listening as Node throws them
 */
export async function serveOnSocket(path: string, what: LocalRoutes): Promise<LocalSocket> {
  if (!fitsSocket(path)) throw new RangeError(`the path of a socket has at most ${maxSocketPathBytes} bytes`);
  const server = createLocalServer(what, { host: '', token: null });
  if (!(await listen(server, path))) {
    if (!isSocket(path) || (await answers(path))) throw new SocketTakenError(path);
    rmSync(path, { force: true });
    if (!(await listen(server, path))) throw new SocketTakenError(path);
  }
  server.on('error', () => {});
  chmodSync(path, 0o600);
  return { path, close: () => closeServer(server) };
}

function listen(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    };
    server.once('error', onError);
    server.listen({ path }, () => {
      server.off('error', onError);
      resolve(true);
    });
  });
}

function isSocket(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? true;
}

/** Whether somebody takes connections there. One whose queue is full does. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}
