/** A service that does as a test says, and a client whose pauses pass at once and are written down. */
import { onTestFinished } from 'vitest';
import { UnavailableError } from '../../../../internal/domain/errors.ts';
import type { Service } from '../../../../internal/runner/services/ask-service.ts';
import type { Clock } from '../../../../pkg/clock/clock.ts';
import { systemClock } from '../../../../pkg/clock/system-clock.ts';
import { makeHttp } from '../../../../pkg/http/http.ts';
import { silentLog } from '../../../../pkg/log/log.ts';
import { noJitter } from '../../../fake-server/api.ts';
import { startFakeServer } from '../../../fake-server/fake-server.ts';

/** The token of the client. */
export const token = 'the-token-of-the-service';

/** Starts both; they end with the test. */
export async function startService(more: Partial<Service> = {}) {
  const server = await startFakeServer();
  const http = makeHttp({ userAgent: 'test/1' });
  onTestFinished(async () => {
    await http.close();
    await server.close();
  });
  const waits: number[] = [];
  const clock: Clock = {
    ...systemClock,
    sleep: async (ms) => {
      waits.push(ms);
    },
  };
  const service: Service = {
    ...{ http, clock, random: noJitter, log: silentLog, name: 'task registry', baseUrl: server.url },
    ...{ token, retries: 3, ...more },
  };
  return { server, service, waits };
}

/** The error of what has to fail. */
export async function failureOf(action: Promise<unknown>): Promise<UnavailableError> {
  const error = await action.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof UnavailableError) return error;
  throw error;
}
