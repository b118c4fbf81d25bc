import type { Clock } from '../../pkg/clock/clock.ts';
import type { Http } from '../../pkg/http/http.ts';
import { standardHeaders } from '../../pkg/webhook/standard-webhook.ts';
import { type Channel, later } from './channel.ts';
import { post } from './post.ts';

/** Posts JSON, signed by Standard Webhooks, so that a workflow of another server can be fired by it. */
export function webhookChannel(
  name: string,
  parts: {
    readonly http: Http;
    readonly clock: Clock;
    readonly url: string;
    /** the key now; null = it is not there */
    readonly secret: () => string | null;
  },
): Channel {
  const { http, clock, url, secret: secretNow } = parts;
  return {
    name,
    type: 'webhook',
    send: async ({ id, createdAt, subject, text, words }, signal) => {
      const secret = secretNow() ?? '';
      if (secret === '') return later('the secret of the signature is not there');
      const { summary: _, details: __, ...data } = words;
      const body = JSON.stringify({
        type: words.event,
        timestamp: new Date(createdAt).toISOString(),
        data: { id, subject, text, ...data },
      });
      const timestamp = Math.floor(clock.now() / 1000);
      const headers = {
        'content-type': 'application/json',
        ...standardHeaders(secret, { id, timestamp, body }),
      };
      return post(http, { url, headers, body }, signal);
    },
  };
}
