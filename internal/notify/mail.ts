import { type SmtpServer, sendMail } from '../../pkg/mail/send-mail.ts';
import { SmtpError } from '../../pkg/mail/smtp-error.ts';
import type { OutboundGuard } from '../../pkg/outbound/guard.ts';
import { type Channel, type Delivery, later, never, taken } from './channel.ts';
import type { ChannelOf } from './channel-shape.ts';

/** Sends mail of plain text. The id of a message is in its Message-ID, by which mail programs know what came twice. */
export function mailChannel(
  name: string,
  parts: {
    readonly input: ChannelOf<'mail'>;
    readonly guard: OutboundGuard;
    /** the password now; null = it is not there */
    readonly password: () => string | null;
  },
): Channel {
  const { input, guard, password: passwordNow } = parts;
  const { host, security = 'starttls', user, from, to } = input;
  const port = input.port ?? (security === 'tls' ? 465 : 587);
  return {
    name,
    type: 'mail',
    send: async ({ id, createdAt, subject, text }, signal) => {
      const password = user === undefined ? '' : (passwordNow() ?? '');
      if (user !== undefined && password === '')
        return later('the password of the mail account is not there');
      const login = user === undefined ? null : { user, password };
      const server: SmtpServer = { host, port, security, login, guard };
      const messageId = `<${id}@${from.split('@')[1]}>`;
      const mail = { from, to, subject: oneLine(subject), text: `${text}\n`, messageId, at: createdAt };
      try {
        await sendMail(server, mail, signal);
        return taken;
      } catch (error) {
        if (signal.aborted) return later(`${host} did not answer in time`);
        if (!(error instanceof SmtpError)) throw error;
        return deliveryOf(error, host);
      }
    },
  };
}

const oneLine = (text: string) => text.replace(/\s+/g, ' ');

function deliveryOf({ kind, status }: SmtpError, host: string): Delivery {
  const number = status === null ? '' : `: ${status}`;
  switch (kind) {
    case 'denied':
      return never(`${host} is not of the open internet, and not allowed by KERUTA_NOTIFY_ALLOW`);
    case 'connect':
      return later(`no connection to ${host}`);
    case 'late':
      return later(`${host} did not answer in time`);
    case 'tls':
      return later(`no encrypted connection to ${host}`);
    case 'login':
      // a password that is being changed; what was to be told is worth more tries
      return later(`${host} refused the login${number}`);
    case 'refused':
      return status !== null && status >= 500
        ? never(`${host} refused the message${number}`)
        : later(`${host} did not take the message${number}`);
    case 'broken':
      return later(`the connection to ${host} broke`);
  }
}
