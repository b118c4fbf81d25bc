/** The API client of commands: where the API is, and with which token. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiClient, makeApiClient } from '../../internal/api/client/client.ts';
import type { LoadedSettings } from '../../internal/config/load-settings.ts';
import { NotFoundError } from '../../internal/domain/errors.ts';
import { makeHttp } from '../../pkg/http/http.ts';
import type { CommandContext } from './command.ts';
import { patienceMs, usualPromise } from './patience.ts';
import { readServerState } from './server-state.ts';
import { requireTls, warnOfPlainHttp } from './transport.ts';

/** Where the API is and the token for it; null = none is known, none is sent. */
export interface ApiAccess {
  readonly url: string;
  readonly token: string | null;
}

/**
 * Finds address and token. Where nothing is configured, a server of this machine tells its own: address in
 * `<data directory>/server.json`, token in `admin.token`. That token is never sent to an address that was configured.
 *
 * @throws {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND when the token file that is set cannot be read; {DeniedError}
 *   KERUTA_ERR_TLS_REQUIRED
 */
export function findAccess(settings: LoadedSettings): ApiAccess {
  const { values, origins } = settings;
  const isDefault = origins.apiUrl.from === 'default';
  const local = readServerState(values.dataDir);
  const url = (isDefault ? local?.url : undefined) ?? values.apiUrl;
  requireTls(url, settings);
  if (values.apiToken !== null) return { url, token: values.apiToken };
  if (values.apiTokenFile !== null) return { url, token: readToken(values.apiTokenFile) };
  const isOurs = isDefault || url === local?.url;
  return { url, token: isOurs ? readLocalToken(values.dataDir) : null };
}

/** Makes the client of a command. For an API that has not said a word it waits as long as was promised, unless told otherwise. */
export async function makeCommandClient(context: CommandContext): Promise<ApiClient> {
  const settings = await context.settings();
  const { url, token } = findAccess(settings);
  warnOfPlainHttp(url, context);
  const silenceMs = patienceMs(usualPromise, context.upMs?.() ?? 0);
  return makeApiClient({
    http: makeHttp({
      userAgent: `keruta/${context.version}`,
      connectMs: settings.values.connectTimeout,
      headersMs: settings.values.firstByteTimeout,
      stallMs: settings.values.stallTimeout,
    }),
    baseUrl: url,
    token: () => token,
    clock: context.clock,
    random: context.random,
    log: context.log,
    timeoutMs: settings.values.apiTimeout,
    ...(settings.origins.apiTimeout.from === 'default' ? { firstTimeoutMs: silenceMs } : {}),
    retries: settings.values.retryCount,
  });
}

function readToken(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim() || null;
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new NotFoundError('KERUTA_ERR_FILE_NOT_FOUND', `the token file ${file} cannot be read: ${why}`, {
      cause,
    });
  }
}

function readLocalToken(dataDir: string): string | null {
  try {
    return readFileSync(join(dataDir, 'admin.token'), 'utf8').trim() || null;
  } catch {
    return null;
  }
}

/** Where commands send to, and with which token, for those that make no client. @throws as `findAccess` */
export async function accessOf(context: CommandContext): Promise<ApiAccess> {
  const access = findAccess(await context.settings());
  warnOfPlainHttp(access.url, context);
  return access;
}
