/** The API as checks ask it: one try, and no longer than a check may take. */
import { type ApiClient, makeApiClient } from '../../../../internal/api/client/client.ts';
import type { LoadedSettings } from '../../../../internal/config/load-settings.ts';
import { makeHttp } from '../../../../pkg/http/http.ts';
import type { CheckParts } from './check.ts';

/** Less than the limit of a check, so that the reason is told instead of the time. */
const [connectMs, answerMs] = [3_000, 4_000];

/** Makes a client for one check. @throws {InputError} KERUTA_ERR_BAD_VALUE when the address is none */
export function apiOf(
  { context }: CheckParts,
  { values }: LoadedSettings,
  access: { readonly url: string; readonly token: string | null },
): ApiClient {
  return makeApiClient({
    http: makeHttp({
      userAgent: `keruta/${context.version}`,
      connectMs: Math.min(connectMs, values.connectTimeout),
      headersMs: Math.min(answerMs, values.firstByteTimeout),
      stallMs: answerMs,
    }),
    baseUrl: access.url,
    token: () => access.token,
    clock: context.clock,
    random: context.random,
    log: context.log,
    timeoutMs: answerMs,
    retries: 0,
  });
}

/** Where the API is, for checks that need no token. */
export async function addressOf(settings: LoadedSettings): Promise<string> {
  const { findAccess } = await import('../../client.ts');
  try {
    return findAccess(settings).url;
  } catch {
    // the file of the token cannot be read: the check of the token says so
    return settings.values.apiUrl;
  }
}
