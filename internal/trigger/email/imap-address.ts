import { InputError } from '../../domain/errors.ts';

/** Where the mail server is. */
export interface MailServerAddress {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

/**
 * Reads IMAP_SERVER: `host`, `host:port`, or a URL of imaps:// or imap://. Encrypted unless it says imap://, which goes on a
 * loopback address only: anywhere else it would give the password away.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE
 */
export function readImapAddress(text: string): MailServerAddress {
  const wrong = (why: string) =>
    new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `IMAP_SERVER: expected host, host:port or imaps://host:port, ${why}; user and password have settings of their own`,
    );
  const match = /^(?:(imaps?):\/\/)?(\[[0-9a-f:.]+\]|[^\s:/@?#[\]]+)(?::(\d{1,5}))?\/?$/i.exec(text.trim());
  // it may hold a password, so it is not repeated
  if (match === null) throw wrong('got something else');
  const [, scheme = 'imaps', written = '', port] = match;
  const isTls = scheme.toLowerCase() === 'imaps';
  const host = written.replace(/^\[|\]$/g, '');
  const isLoopback = host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
  if (!isTls && !isLoopback) throw wrong(`got imap://, unencrypted, for ${host}, which is not this machine`);
  const number = port === undefined ? (isTls ? 993 : 143) : Number(port);
  if (number < 1 || number > 65_535) throw wrong(`got port ${port}`);
  return { host, port: number, isTls };
}
