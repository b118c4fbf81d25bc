/** The mail account of a server, out of its settings. */
import { readFileSync } from 'node:fs';
import type { SettingValues } from '../../../internal/config/table.ts';
import { InputError } from '../../../internal/domain/errors.ts';
import type { MailAccount } from '../../../internal/session/email-loop.ts';
import type { Clock } from '../../../pkg/clock/clock.ts';

/** A mail server that says nothing for so long is gone; ms. */
const timeoutMs = 30_000;

/**
 * Makes the account; null when no mail server is set.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE: a part of it is missing, or the password would go over the network as it is
 */
export async function mailAccount(values: SettingValues, clock: Clock): Promise<MailAccount | null> {
  const { imapServer, emailUser: user, emailCheckInterval: checkIntervalMs } = values;
  if (imapServer === null) return null;
  const { readImapAddress } = await import('../../../internal/trigger/email/imap-address.ts');
  const { maxMessageBytes } = await import('../../../internal/session/look-at-mailbox.ts');
  const { openMailbox } = await import('../../../pkg/imap/imap.ts');
  const address = readImapAddress(imapServer);
  const password = values.emailPassword ?? readPassword(values.emailPasswordFile);
  if (user === null || password === null) {
    const missing = user === null ? 'EMAIL_USER' : 'EMAIL_PASSWORD (or EMAIL_PASSWORD_FILE)';
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `IMAP_SERVER is set, and ${missing} is not; set both, or none`,
    );
  }
  const options = { address, user, password, clock, timeoutMs, maxMessageBytes };
  return {
    name: `${user} at ${address.host}:${address.port}`,
    checkIntervalMs,
    open: (mailbox, signal) => openMailbox(options, mailbox, signal),
  };
}

/** One line end at the end is the editor's. */
function readPassword(file: string | null): string | null {
  if (file === null) return null;
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'error';
    throw new InputError('KERUTA_ERR_BAD_VALUE', `EMAIL_PASSWORD_FILE: ${file} cannot be read: ${why}`, {
      cause: error,
    });
  }
}
