import type { Http } from '../../pkg/http/http.ts';
import { HttpConnectError, HttpDeniedError, HttpTimeoutError } from '../../pkg/http/http-errors.ts';
import { type Delivery, later, never, taken } from './channel.ts';

/** A message as it goes to a web server. */
export interface Post {
  /** may be a secret: only its host is ever told */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers with which a server says "not now". */
const passingStatuses: readonly number[] = [408, 425, 429];

/** Posts a message, once. What the answer says beside its status is passed over. */
export async function post(http: Http, { url, headers, body }: Post, signal: AbortSignal): Promise<Delivery> {
  const { host } = new URL(url);
  try {
    const answer = await http.request({ method: 'POST', url, headers, body, signal });
    const { status } = answer;
    await answer.discard();
    if (status >= 200 && status < 300) return taken;
    if (status >= 300 && status < 400) return never(`${host} answered ${status}; redirects are not followed`);
    const why = `${host} answered ${status}`;
    return status >= 500 || passingStatuses.includes(status)
      ? later(why, retryAfterOf(answer.headers['retry-after']))
      : never(why);
  } catch (error) {
    if (signal.aborted) return later(`${host} did not answer in time`);
    if (error instanceof HttpDeniedError)
      return never(`${host} is not of the open internet, and not allowed by KERUTA_NOTIFY_ALLOW`);
    if (error instanceof HttpConnectError) return later(`no connection to ${host}${codeOf(error)}`);
    if (error instanceof HttpTimeoutError) return later(`${host} did not answer in time`);
    return later(`the connection to ${host} broke`);
  }
}

const codeOf = ({ code }: HttpConnectError) => (code === '' ? '' : `: ${code}`);

/** Seconds; a date is passed over. */
function retryAfterOf(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : null;
}
