import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { mailAccount } from '../../../cmd/keruta/roles/mail-account.ts';
import type { SettingValues } from '../../../internal/config/table.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';

const make = (values: Partial<SettingValues>) => {
  const none = { imapServer: null, emailUser: null, emailPassword: null, emailPasswordFile: null };
  return mailAccount({ ...none, emailCheckInterval: 60_000, ...values } as SettingValues, systemClock);
};

test('without a mail server there is no account', async () => {
  expect(await make({ emailUser: 'ann', emailPassword: 'x' })).toBeNull();
});

test('an account is named without its password', async () => {
  const account = await make({ imapServer: 'imap.example.com', emailUser: 'ann', emailPassword: 'sesame' });
  expect(account).toMatchObject({ name: 'ann at imap.example.com:993', checkIntervalMs: 60_000 });
});

test('the password may stand in a file', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mail-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const emailPasswordFile = join(directory, 'password');
  const values = { imapServer: 'imap.example.com', emailUser: 'ann', emailPasswordFile };
  await expect(make(values)).rejects.toThrow('cannot be read: ENOENT');
  await writeFile(emailPasswordFile, 'sesame\n');
  expect(await make(values)).not.toBeNull();
});

test.each([
  [{ emailPassword: 'sesame' }, 'EMAIL_USER is not'],
  [{ emailUser: 'ann' }, 'EMAIL_PASSWORD (or EMAIL_PASSWORD_FILE) is not'],
])('half an account is refused: %j', async (values, message) => {
  await expect(make({ imapServer: 'imap.example.com', ...values })).rejects.toThrow(message);
});
