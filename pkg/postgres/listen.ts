import type { Client } from 'pg';
import type { Clock } from '../clock/clock.ts';

/** First wait before another connection is tried; ms. It doubles up to `maxWaitMs`. */
const minWaitMs = 200;
const maxWaitMs = 5_000;
/** How often the server is asked whether it is still there: from one that is gone nothing comes, not even an end; ms. */
const askEveryMs = 10_000;

/** What it takes to listen. */
export interface ListenOptions {
  readonly channel: string;
  readonly onPayload: (payload: string) => void;
  /** Called whenever listening begins (again): what came in between was missed. */
  readonly onListening: () => void;
  readonly onFault: (error: unknown) => void;
}

/**
 * Listens on a connection of its own, and makes a new one whenever that breaks, until the returned function is called.
 * The first attempt is under way when this returns.
 *
 * @param parts.newClient  its queries end after a time (`query_timeout`)
 */
export function listen(
  parts: { readonly newClient: () => Client; readonly clock: Clock },
  options: ListenOptions,
): () => Promise<void> {
  const ended = new AbortController();
  let client: Client | undefined;

  const once = () =>
    new Promise<void>((resolve) => {
      const fresh = parts.newClient();
      const over = new AbortController();
      client = fresh;
      fresh.on('notification', ({ payload }) => options.onPayload(payload ?? ''));
      // pg tells of a broken connection by `error`, of a closed one by `end`, mostly by both.
      const leave = (error?: unknown) => {
        if (error !== undefined && !over.signal.aborted && !ended.signal.aborted) options.onFault(error);
        over.abort();
        resolve();
      };
      fresh.on('error', leave);
      fresh.on('end', () => leave());
      fresh
        .connect()
        .then(() => fresh.query(`LISTEN "${options.channel}"`))
        .then(() => {
          options.onListening();
          return keepAsking(fresh, AbortSignal.any([over.signal, ended.signal]));
        })
        .catch(leave);
    });

  /** Returns by throwing only. */
  const keepAsking = async (asked: Client, signal: AbortSignal) => {
    for (;;) {
      await parts.clock.sleep(askEveryMs, signal);
      await asked.query('SELECT 1');
    }
  };

  const loop = async () => {
    let waitMs = minWaitMs;
    while (!ended.signal.aborted) {
      const began = parts.clock.monotonicMs();
      await once();
      await client?.end().catch(() => {});
      // A connection that held for a while starts the waiting anew.
      waitMs = parts.clock.monotonicMs() - began > maxWaitMs ? minWaitMs : Math.min(waitMs * 2, maxWaitMs);
      await parts.clock.sleep(waitMs, ended.signal).catch(() => {});
    }
  };
  const looping = loop();
  return async () => {
    ended.abort();
    await client?.end().catch(() => {});
    await looping;
  };
}
