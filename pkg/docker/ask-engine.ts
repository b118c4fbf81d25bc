/** One request to a container engine. */
import { type IncomingMessage, request } from 'node:http';
import type { EngineAddress } from './engine-address.ts';

/** What is asked. */
export interface EngineQuestion {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  /** with the version of the API and the query */
  readonly path: string;
  /** sent as JSON */
  readonly body?: unknown;
  /** for the whole exchange; ms */
  readonly timeoutMs: number;
  /** the question in words, behind "cannot": `start the container x` */
  readonly toDo: string;
}

/** What the engine said. */
export interface EngineAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** at most 16 MiB */
  readonly text: string;
}

/** Longest answer that is taken; what is longer is cut off; bytes. */
const maxAnswerBytes = 16 * 1024 * 1024;

/**
 * The engine could not be asked, or refused. `unreachable`: nobody listens, or no answer came in time; `denied`: this user
 * may not use the socket; `refused`: the engine answered with a status.
 */
export class EngineError extends Error {
  readonly kind: 'unreachable' | 'denied' | 'refused';
  /** of the answer; null when there was none */
  readonly status: number | null;
  /** what the engine gave as its reason, or the network's code */
  readonly reason: string;

  constructor(
    { address, toDo }: { readonly address: EngineAddress; readonly toDo: string },
    fault: { readonly kind: EngineError['kind']; readonly status: number | null; readonly reason: string },
    cause?: unknown,
  ) {
    super(`the container engine at ${address.text} cannot ${toDo}: ${fault.reason}`, { cause });
    this.name = 'EngineError';
    this.kind = fault.kind;
    this.status = fault.status;
    this.reason = fault.reason;
  }
}

/**
 * Asks the engine.
 * @throws {EngineError} when it cannot be asked; an answer with any status is returned
 */
export function askEngine(address: EngineAddress, question: EngineQuestion): Promise<EngineAnswer> {
  const body = question.body === undefined ? undefined : JSON.stringify(question.body);
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(faultOf(address, question, error));
    const sent = request(
      {
        ...connectionTo(address),
        path: question.path,
        method: question.method,
        headers: {
          host: 'localhost',
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        },
        agent: false,
        signal: AbortSignal.timeout(question.timeoutMs),
      },
      (response) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on('data', (part: Buffer) => {
          bytes += part.length;
          if (bytes <= maxAnswerBytes) parts.push(part);
        });
        response.on('error', fail);
        response.on('end', () => {
          const { statusCode = 0, headers } = response;
          resolve({ status: statusCode, headers, text: Buffer.concat(parts).toString() });
        });
      },
    );
    sent.on('error', fail);
    sent.end(body);
  });
}

/** Where a request goes, as Node takes it. */
export function connectionTo(
  address: EngineAddress,
): { readonly socketPath: string } | { readonly host: string; readonly port: number } {
  return 'socketPath' in address
    ? { socketPath: address.socketPath }
    : { host: address.host, port: address.port };
}

function faultOf(address: EngineAddress, { toDo, timeoutMs }: EngineQuestion, error: Error): EngineError {
  const { code = '' } = error as NodeJS.ErrnoException;
  const isLate = error.name === 'AbortError' || error.name === 'TimeoutError';
  const kind = code === 'EACCES' || code === 'EPERM' ? 'denied' : 'unreachable';
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such socket; is the engine running',
    ECONNREFUSED: 'nobody listens there; is the engine running',
    EACCES: 'this user may not use the socket',
    EPERM: 'this user may not use the socket',
  };
  const reason = isLate ? `no answer within ${timeoutMs} ms` : (reasons[code] ?? error.message);
  return new EngineError({ address, toDo }, { kind, status: null, reason }, error);
}
