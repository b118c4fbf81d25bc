/** A bare connection to a server. */
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A connection, and what came back on it. */
export interface Dialled {
  readonly socket: Socket;
  /** what came so far */
  readonly text: () => string;
  /** resolves with how long the connection lasted; ms */
  readonly closed: Promise<number>;
}

/** Opens a connection of its own to a port of this machine; it ends with the test. */
export function dialTo(port: number, finished = onTestFinished): Dialled {
  const before = Date.now();
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
  });
  socket.on('error', () => {});
  const closed = new Promise<number>((done) => socket.on('close', () => done(Date.now() - before)));
  finished(() => void socket.destroy());
  return { socket, text: () => text, closed };
}
