import { request } from 'node:http';

/** What is asked of a server on a socket. */
export interface SocketQuestion {
  readonly path: string;
  /** posted as JSON; left out: a GET */
  readonly body?: unknown;
  /** default: by the body */
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** for the whole exchange; ms */
  readonly timeoutMs: number;
}

/** What it said. */
export interface SocketAnswer {
  readonly status: number;
  readonly text: string;
}

/** Longest answer that is taken; bytes. */
const maxAnswerBytes = 1024 * 1024;

/**
 * Asks a server that listens on a socket in the file system.
 * @throws {Error} as Node does: nobody listens there, no answer in time, the answer is too long
 */
export function askSocket(
  socket: string,
  { path, body, method, timeoutMs }: SocketQuestion,
): Promise<SocketAnswer> {
  return new Promise((resolve, reject) => {
    const isPost = body !== undefined;
    const sent = request(
      {
        socketPath: socket,
        path,
        method: method ?? (isPost ? 'POST' : 'GET'),
        headers: { host: 'localhost', ...(isPost ? { 'content-type': 'application/json' } : {}) },
        agent: false,
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          if (text.length > maxAnswerBytes) response.destroy(new Error('the answer is too long'));
        });
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    sent.on('error', reject);
    sent.end(isPost ? JSON.stringify(body) : undefined);
  });
}
