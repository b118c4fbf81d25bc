/** Everything that watches a server while it works: metrics, the log of executions, traces. */
import type { Clock } from '../../pkg/clock/clock.ts';
import { measureEventLoopDelay } from '../../pkg/event-loop/event-loop-delay.ts';
import type { Log } from '../../pkg/log/log.ts';
import { UnavailableError } from '../domain/errors.ts';
import type { SessionParts } from '../session/parts.ts';
import { Chronicle, type Teller } from '../session/watch/chronicle.ts';
import { executionLog } from '../session/watch/execution-log.ts';
import { watchStore } from '../session/watch/watch-store.ts';
import type { Store } from '../store/store.ts';
import { addFigures, type ServerFigures } from './metrics/figures.ts';
import { ServerMetrics } from './metrics/server-metrics.ts';

/** Hold-ups of the event loop count for this long, and up to twice as long; ms. */
const spanMs = 15_000;

/** A server that is watched. */
export interface Observed {
  /** the store that the server is to work with */
  readonly store: Store;
  readonly metrics: ServerMetrics;
  /** Adds what is read at the moment of asking. @param parts  those of the server */
  show(parts: SessionParts, figures: Pick<ServerFigures, 'health' | 'droppedSpans'>): void;
  /** Resolves when everything that was committed before is counted and told. */
  settled(): Promise<void>;
  /** Tells what is not told yet, and stops. */
  close(): Promise<void>;
}

/** Watches a store. @param tellers  who is told what happens, beside metrics and log */
export function observe(parts: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly tellers?: readonly Teller[];
}): Observed {
  const { store, clock, log, tellers = [] } = parts;
  const metrics = new ServerMetrics();
  const delay = measureEventLoopDelay();
  let cancel = () => {};
  const roll = () => {
    cancel = clock.after(spanMs, () => {
      delay.roll();
      roll();
    });
  };
  roll();
  const chronicle = new Chronicle({
    reads: store,
    log,
    tellers: [metrics.tell, executionLog(log), ...tellers],
  });
  const watcher = {
    committed: chronicle.add.bind(chronicle),
    timed: metrics.transaction.bind(metrics),
  };
  const isFault = (error: unknown) => error instanceof UnavailableError && storeFaults.has(error.code);
  return {
    store: watchStore(store, { clock, watcher, isFault }),
    metrics,
    show: (shown, figures) =>
      addFigures(metrics.metrics, shown, {
        ...figures,
        eventLoopDelayMs: () => delay.maxMs(),
        missedFacts: () => chronicle.missed,
      }),
    settled: () => chronicle.settled(),
    close: async () => {
      cancel();
      delay.stop();
      await chronicle.settled();
    },
  };
}

const storeFaults: ReadonlySet<string> = new Set(['KERUTA_ERR_STORE_UNAVAILABLE', 'KERUTA_ERR_DISK_FULL']);
