/** Standard streams of a container, over one connection to its engine. */
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { askEngine, connectionTo, EngineError } from './ask-engine.ts';
import type { EngineAddress } from './engine-address.ts';

/** The streams of a container. */
export interface Attached {
  /**
   * Hands on what it prints until it ends; nothing more is read until `output` resolves, so that a container waits for a slow reader.
   * Resolves also when the connection broke: whether the container has ended is for `inspect`.
   */
  follow(output: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => Promise<void>): Promise<void>;
  /** Lets go of the connection; the engine ends the input of a container that has only one. */
  close(): void;
}

/** Of a piece of output: which stream, three zeros, its length. */
const headBytes = 8;

/**
 * Attaches to input and output of a container that was made and may not run yet.
 * @param question.path  with the version of the API and the query
 * @throws {EngineError}
 */
export function attach(
  address: EngineAddress,
  question: { readonly path: string; readonly toDo: string; readonly timeoutMs: number },
): Promise<Attached> {
  return new Promise((resolve, reject) => {
    const { path, toDo, timeoutMs } = question;
    const sent = request({
      ...connectionTo(address),
      path,
      method: 'POST',
      headers: { host: 'localhost', connection: 'Upgrade', upgrade: 'tcp', 'content-length': 0 },
      agent: false,
    });
    sent.setTimeout(timeoutMs, () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    sent.on('upgrade', (_answer, socket, head) => {
      socket.setTimeout(0);
      if (head.length > 0) socket.unshift(head);
      // a reader may come later, and a broken connection is an end
      socket.on('error', () => {});
      resolve(attached(socket));
    });
    sent.on('response', (answer) => {
      answer.resume();
      const status = answer.statusCode ?? 0;
      const reason = status < 300 ? 'it does not hand over streams' : `HTTP ${status}`;
      reject(new EngineError({ address, toDo }, { kind: 'refused', status, reason }));
    });
    // asked again the usual way: that says what is wrong in words
    sent.on('error', () => {
      askEngine(address, { method: 'GET', path: '/_ping', timeoutMs, toDo }).then(
        () =>
          reject(
            new EngineError(
              { address, toDo },
              { kind: 'unreachable', status: null, reason: 'the connection broke' },
            ),
          ),
        reject,
      );
    });
    sent.end();
  });
}

function attached(socket: Duplex): Attached {
  return {
    close: () => void socket.destroy(),
    follow: async (output) => {
      let rest: Buffer = Buffer.alloc(0);
      try {
        for await (const piece of socket) {
          rest = rest.length === 0 ? (piece as Buffer) : Buffer.concat([rest, piece as Buffer]);
          for (let next = frameOf(rest); next !== null; next = frameOf(rest)) {
            rest = next.rest;
            if (next.stream !== null) await output(next.stream, next.bytes);
          }
        }
      } catch (error) {
        if (!socket.destroyed) throw error;
      }
    },
  };
}

/** Takes the first whole piece off; null when there is none yet. */
function frameOf(bytes: Buffer): {
  readonly stream: 'stdout' | 'stderr' | null;
  readonly bytes: Buffer;
  readonly rest: Buffer;
} | null {
  if (bytes.length < headBytes) return null;
  const end = headBytes + bytes.readUInt32BE(4);
  if (bytes.length < end) return null;
  const stream = ({ 1: 'stdout', 2: 'stderr' } as const)[bytes[0] ?? 0] ?? null;
  return { stream, bytes: bytes.subarray(headBytes, end), rest: bytes.subarray(end) };
}
