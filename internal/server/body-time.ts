/** How long a body may take to arrive. */
import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../pkg/clock/clock.ts';
import { UnavailableError } from '../domain/errors.ts';
import type { ServerLimits } from './limits.ts';

/** What a body must bring; bytes per second. */
const leastBytesPerSecond = 1024;

/**
 * Watches a body come in. It must bring 1 KB/s over each window, and there is a time for all of it, a longer one for a
 * streamed body. As long as bytes of a streamed one wait here to be taken, it is the server that is slow.
 *
 * @param watch.onLate  called at most once, with the refusal (408)
 */
export function watchBody(
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  watch: {
    readonly clock: Clock;
    readonly limits: Pick<ServerLimits, 'bodyWindowMs' | 'bodyTimeoutMs' | 'uploadTimeoutMs'>;
    readonly streamed: boolean;
    readonly onLate: (error: UnavailableError) => void;
  },
): void {
  const { headers, raw } = request;
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (!hasBody || raw.complete) return;
  const { clock, limits, streamed, onLate } = watch;
  const wholeMs = streamed ? limits.uploadTimeoutMs : limits.bodyTimeoutMs;
  const windowMs = Math.min(limits.bodyWindowMs, wholeMs);
  const begun = clock.monotonicMs();
  let seen = raw.socket.bytesRead;
  let cancel = () => {};
  const look = () => {
    const came = raw.socket.bytesRead - seen;
    seen += came;
    const isFast = came >= (windowMs / 1000) * leastBytesPerSecond || raw.readableLength > 0;
    const leftMs = wholeMs - (clock.monotonicMs() - begun);
    if (!isFast || leftMs <= 0) onLate(late({ wholeMs, windowMs }));
    else cancel = clock.after(Math.min(windowMs, leftMs), look);
  };
  cancel = clock.after(windowMs, look);
  const stop = () => cancel();
  raw.once('end', stop);
  raw.once('close', stop);
  reply.raw.once('close', stop);
}

/** Reads the rest of a body that was refused away, for a while, so that the client gets to read why. */
export function drainBody(raw: IncomingMessage, start: (stop: () => void) => () => void): void {
  raw.unpipe();
  raw.resume();
  raw.once(
    'close',
    start(() => raw.destroy()),
  );
}

function late({ wholeMs, windowMs }: { wholeMs: number; windowMs: number }): UnavailableError {
  return new UnavailableError(
    'KERUTA_ERR_REQUEST_TIMEOUT',
    `The body did not arrive in time: within ${wholeMs / 1000} s, and with at least 1 KB/s over every ${windowMs / 1000} s.`,
    { details: { maxMs: wholeMs } },
  );
}
