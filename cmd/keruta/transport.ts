/** Whether an API may be talked to as it was named: what is sent by plain http can be read on the way. */
import type { LoadedSettings } from '../../internal/config/load-settings.ts';
import { DeniedError } from '../../internal/domain/errors.ts';
import type { Log } from '../../pkg/log/log.ts';

/** Whether an address sends token and output unencrypted past this machine. */
export function isExposed(url: string): boolean {
  const found = URL.parse(url);
  if (found === null || found.protocol !== 'http:') return false;
  const host = found.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return !(host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host));
}

/** @throws {DeniedError} KERUTA_ERR_TLS_REQUIRED when https was asked for, and this is not */
export function requireTls(url: string, { values, origins }: LoadedSettings): void {
  if (!values.requireTls || !isExposed(url)) return;
  const by = origins.requireTls.name || '--require-tls';
  throw new DeniedError(
    'KERUTA_ERR_TLS_REQUIRED',
    `${originOf(url)} is not https, and ${by} refuses to send a token there. Give the address of the API as https://…`,
  );
}

/** Says once that an address is open to whoever is on the way. Inside a run the agent has said so. */
export function warnOfPlainHttp(
  url: string,
  { log, env }: { readonly log: Log; readonly env: Readonly<Record<string, string | undefined>> },
): void {
  if (!isExposed(url) || env.KERUTA_RUN_DIR) return;
  log.warn(
    `${originOf(url)} is not https: token and output can be read on the way. Use https; --require-tls refuses all else`,
  );
}

/** Without path, and without a password that stands in it. */
function originOf(url: string): string {
  return URL.parse(url)?.origin ?? 'the address of the API';
}
