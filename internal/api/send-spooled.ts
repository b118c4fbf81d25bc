import type { Http } from '../../pkg/http/http.ts';
import { isReadable } from './readable.ts';
import type { SendResult, SpooledRequest } from './spool.ts';

/** What a kept request is sent with. */
export interface SpoolSender {
  readonly http: Http;
  readonly token: string | null;
}

/**
 * Sends one kept request. A token that is not taken keeps it too: a better one may come. Older servers know PROCESSING
 * as IN_PROGRESS.
 */
export async function sendSpooled(sender: SpoolSender, request: SpooledRequest): Promise<SendResult> {
  const first = await send(sender, request, request.body);
  const body = request.body as { status?: unknown };
  if (![400, 422, 500].includes(first) || body.status !== 'PROCESSING') return resultOf(first);
  const again = await send(sender, request, { ...body, status: 'IN_PROGRESS' });
  return again >= 200 && again < 300 ? 'sent' : resultOf(first);
}

async function send(sender: SpoolSender, request: SpooledRequest, body: unknown): Promise<number> {
  try {
    const answer = await sender.http.request({
      method: request.method,
      url: request.apiUrl + request.path,
      headers: {
        'content-type': 'application/json',
        ...(request.key === undefined ? {} : { 'idempotency-key': request.key }),
        ...(sender.token === null ? {} : { authorization: `Bearer ${sender.token}` }),
      },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    return isReadable(text) ? answer.status : 503;
  } catch {
    return 503;
  }
}

function resultOf(status: number): SendResult {
  if (status >= 200 && status < 300) return 'sent';
  return status < 400 || status === 401 || status === 403 || status === 408 || status === 429 || status >= 500
    ? 'later'
    : 'refused';
}
