/** A client for the fake server, and answers as servers of the keruta API give them. */
import { type ApiClient, makeApiClient } from '../../internal/api/client/client.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { type Http, makeHttp } from '../../pkg/http/http.ts';
import { silentLog } from '../../pkg/log/log.ts';
import { type Random, systemRandom } from '../../pkg/random/random.ts';

/** Ids that the examples use. */
export const sessionId = '29229ea1-8c41-4ca2-b064-7a7a7672dd1a';
export const taskId = '11111111-2222-3333-4444-555555555555';

/** No jitter: a repetition waits its whole delay. */
export const noJitter: Random = { ...systemRandom, fraction: () => 1 - Number.EPSILON };

let shared: Http | undefined;

/** A client; `options` replace its parts. */
export function clientFor(
  url: string,
  options: Partial<Parameters<typeof makeApiClient>[0]> = {},
): ApiClient {
  shared ??= makeHttp({ userAgent: 'test/1' });
  return makeApiClient({
    http: shared,
    baseUrl: url,
    token: () => 'krt_test',
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    ...options,
  });
}

/** What an older server says about a session. */
export const oldSession = { id: sessionId, name: 'demo', status: 'ACTIVE', repositoryUrl: null };
/** What an older server says about a task. */
export const oldTask = {
  id: taskId,
  sessionId,
  name: 'build',
  status: 'PENDING',
  script: 'echo hi',
  progress: 0,
};
/** The envelope of an error. */
export const errorJson = (code: string, message = 'no', details?: unknown) => ({
  error: { code, message, status: 0, details },
  meta: { timestamp: '2026-01-01T00:00:00.000Z', version: '1' },
});

/** Waits until something holds, turn by turn of the event loop; for effects that no promise announces. */
export async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`never came true: ${holds}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
