import type { Http } from '../../pkg/http/http.ts';
import { type Channel, later, never, type OutgoingMessage } from './channel.ts';
import { isWebAddress } from './channel-shape.ts';
import { post } from './post.ts';

/** Characters that Slack takes in one message are more; nobody reads them. */
const maxText = 3_000;

/**
 * Writes to an incoming webhook of Slack, or of what understands the same (Mattermost, Rocket.Chat).
 * @param parts.url  its address now; null = it is not there
 * @see https://api.slack.com/messaging/webhooks
 */
export function slackChannel(
  name: string,
  { http, url: urlNow }: { readonly http: Http; readonly url: () => string | null },
): Channel {
  return {
    name,
    type: 'slack',
    send: async (message, signal) => {
      const url = urlNow()?.trim() ?? '';
      if (url === '') return later('the address of the webhook is not there');
      if (!isWebAddress(url)) return never('what should be the address of the webhook is none');
      const body = JSON.stringify({ text: textOf(message) });
      return post(http, { url, headers: { 'content-type': 'application/json' }, body }, signal);
    },
  };
}

function textOf({ subject, text, id }: OutgoingMessage): string {
  const shown = text.length > maxText ? `${text.slice(0, maxText)}…` : text;
  return `*${escaped(subject)}*\n${escaped(shown)}\n_${id}_`;
}

/** Nothing that a script said calls people, or becomes a link that hides where it leads. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
