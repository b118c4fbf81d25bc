import type { Clock } from '../../pkg/clock/clock.ts';
import type { Log } from '../../pkg/log/log.ts';
import { countSpooled, drainSpool, type SendResult, type SpooledRequest } from '../api/spool.ts';

/** What the delivery of kept requests works with. */
export interface SpoolParts {
  readonly clock: Clock;
  readonly log: Log;
  /** `<base>/spool` */
  readonly directory: string;
  /** requests for other addresses are left alone */
  readonly apiUrl: string;
  readonly send: (request: SpooledRequest) => Promise<SendResult>;
}

/** How often the agent looks for kept requests; ms. Commands deliver them too. */
const lookEveryMs = 5_000;

/** Delivers what commands could not send while the API was away, until the signal aborts. Never rejects. */
export async function deliverSpool(parts: SpoolParts, signal: AbortSignal): Promise<void> {
  const { clock, log, directory, apiUrl, send } = parts;
  while (!signal.aborted) {
    try {
      if (countSpooled(directory) > 0) {
        const drained = await drainSpool(directory, { apiUrl, now: () => clock.now(), send, signal });
        if (drained.sent + drained.refused > 0) log.info('kept requests were delivered', { ...drained });
      }
      await clock.sleep(lookEveryMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      log.warn('kept requests could not be delivered', { error });
      await clock.sleep(lookEveryMs, signal).catch(() => {});
    }
  }
}
