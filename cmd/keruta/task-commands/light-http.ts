/** One JSON request over node:http, for the small entry: loading an HTTP library would double its start. */
import { request as httpRequest } from 'node:http';
import type { Clock } from '../../../pkg/clock/clock.ts';

/** An answer, whatever its status. */
export interface LightAnswer {
  readonly status: number;
  readonly text: string;
}

/** A request. */
export interface LightRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** absolute; http or https */
  readonly url: string;
  readonly token: string | null;
  readonly body?: unknown;
  /** sent as Idempotency-Key */
  readonly key?: string | undefined;
  /** from now to the last byte of the answer; ms */
  readonly timeoutMs: number;
}

const maxAnswerBytes = 1024 * 1024;

/**
 * Sends a request. Redirects are not followed.
 * @throws an Error with the reason when there was no answer in time
 */
export async function lightRequest(clock: Clock, request: LightRequest): Promise<LightAnswer> {
  const url = new URL(request.url);
  const send = url.protocol === 'https:' ? (await import('node:https')).request : httpRequest;
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  return new Promise((resolve, reject) => {
    const headers: Record<string, string | number> = { accept: 'application/json' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (body !== undefined) headers['content-length'] = Buffer.byteLength(body);
    if (request.key !== undefined) headers['idempotency-key'] = request.key;
    if (request.token) headers.authorization = `Bearer ${request.token}`;
    // certificates are checked, whatever the environment says
    const options = { method: request.method, headers, agent: false, rejectUnauthorized: true };
    const outgoing = send(url, options);
    const cancel = clock.after(request.timeoutMs, () => {
      outgoing.destroy(new Error(`no answer within ${Math.round(request.timeoutMs / 100) / 10} s`));
    });
    outgoing.on('error', (error) => {
      cancel();
      reject(error);
    });
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxAnswerBytes)
          outgoing.destroy(new Error(`an answer of more than ${maxAnswerBytes} bytes`));
        else chunks.push(chunk);
      });
      incoming.on('error', (error) => {
        cancel();
        reject(error);
      });
      incoming.on('end', () => {
        cancel();
        resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    outgoing.end(body);
  });
}
