import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type SmtpServer, sendMail } from '../../../pkg/mail/send-mail.ts';
import { makeGuard } from '../../../pkg/outbound/guard.ts';
import { makeCertificates } from '../../faults/lab/certificates.ts';
import { type FakeSmtpOptions, startFakeSmtp } from './fake-smtp.ts';

const mail = {
  ...{ from: 'keruta@example.com', to: ['ann@example.com', 'bob@example.com'], subject: 'Größe' },
  ...{ text: 'one\n.\ntwo', messageId: '<1@example.com>', at: Date.UTC(2026, 0, 1) },
};
const never = new AbortController().signal;

async function open(options: Partial<FakeSmtpOptions> = {}, more: Partial<SmtpServer> = {}) {
  const smtp = await startFakeSmtp(options);
  onTestFinished(() => smtp.close());
  const guard = makeGuard(['localhost']);
  const server: SmtpServer = {
    ...{ host: 'localhost', port: smtp.port, security: 'none', login: null, guard },
    ...more,
  };
  return { smtp, send: (signal = never) => sendMail(server, mail, signal) };
}

/** Certificates of an authority that this process believes. */
function trusted() {
  const directory = mkdtempSync(join(tmpdir(), 'smtp-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const made = makeCertificates(directory);
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, readFileSync(made.authority, 'utf8')]);
  onTestFinished(() => setDefaultCACertificates(before));
  return made;
}

describe('a mail server', () => {
  test('gets a message with its head, for all who are to read it', async () => {
    const { smtp, send } = await open();
    await send();
    const [taken] = smtp.mails;
    expect(taken).toMatchObject({ from: mail.from, to: mail.to, login: null, isEncrypted: false });
    expect(taken?.data).toContain('Message-ID: <1@example.com>');
    expect(taken?.data).toMatch(/^Auto-Submitted: auto-generated\r$/im);
    expect(taken?.data).toContain('Date: Thu, 01 Jan 2026 00:00:00 +0000');
    expect(taken?.data).toMatch(/Subject: =\?UTF-8\?/);
    expect(taken?.data).toContain('one\r\n..\r\ntwo');
  });

  test.each(['starttls', 'tls'] as const)(
    'is spoken to by %s before a password is told',
    async (security) => {
      const { good } = trusted();
      const login = { user: 'ann', password: 'sesame' };
      const { smtp, send } = await open(
        { tls: good, isTlsFromTheStart: security === 'tls' },
        { security, login },
      );
      await send();
      expect(smtp.mails).toMatchObject([{ login: 'ann:sesame', isEncrypted: true }]);
      expect(smtp.heard.findIndex((line) => line.startsWith('AUTH'))).toBeGreaterThan(
        smtp.heard.findIndex((line) => line.startsWith(security === 'tls' ? 'EHLO' : 'STARTTLS')),
      );
    },
  );

  test('whose certificate nobody vouches for is told nothing', async () => {
    const { selfSigned } = trusted();
    for (const security of ['starttls', 'tls'] as const) {
      const { smtp, send } = await open(
        { tls: selfSigned, isTlsFromTheStart: security === 'tls' },
        { security, login: { user: 'ann', password: 'sesame' } },
      );
      await expect(send()).rejects.toMatchObject({ kind: 'tls' });
      expect(smtp.heard.join()).not.toContain('AUTH');
    }
  });

  test('that cannot encrypt is told nothing when it should', async () => {
    const { smtp, send } = await open({}, { security: 'starttls', login: { user: 'a', password: 'b' } });
    await expect(send()).rejects.toMatchObject({ kind: 'tls' });
    expect([smtp.heard.join().includes('AUTH'), smtp.mails]).toEqual([false, []]);
  });

  test.each([
    ['AUTH', '535 5.7.8 sesame is wrong', { kind: 'login', status: 535 }],
    ['RCPT', '550 5.1.1 nobody', { kind: 'refused', status: 550 }],
    ['MAIL', '451 later', { kind: 'refused', status: 451 }],
    ['DATA.', '554 spam', { kind: 'refused', status: 554 }],
    ['connection', 'SSH-2.0-OpenSSH', { kind: 'broken' }],
  ])('that answers %s with %j has refused it, and its words are not told on', async (at, answer, wanted) => {
    const { send } = await open(
      { answers: { [at]: answer } },
      { login: { user: 'ann', password: 'sesame' } },
    );
    const error = await send().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: 'SmtpError', ...wanted });
    expect(String((error as Error).message)).not.toMatch(/sesame|nobody|later|spam|SSH/);
  });

  test.each(['connection', 'EHLO', 'MAIL', 'DATA', 'DATA.'])(
    'that says nothing after %s is left when the signal says so, and its connection is closed',
    async (hangsAt) => {
      const { smtp, send } = await open({ hangsAt });
      const late = new AbortController();
      const sent = send(late.signal);
      const seen = () => smtp.heard.some((line) => line.startsWith(hangsAt.replace('.', '')));
      await expect.poll(() => (hangsAt === 'connection' ? smtp.open() > 0 : seen())).toBe(true);
      late.abort(new Error('enough'));
      await expect(sent).rejects.toThrow('enough');
      await expect.poll(() => smtp.open()).toBe(0);
    },
  );

  test('that is not there is no connection; one inside the own network is not called', async () => {
    const { smtp, send } = await open();
    await smtp.close();
    await expect(send()).rejects.toMatchObject({ kind: 'connect' });
    const inside = await open({}, { guard: makeGuard([]) });
    await expect(inside.send()).rejects.toMatchObject({ kind: 'denied' });
    const led = makeGuard([], (_name, done) => done(null, [{ address: '127.0.0.1', family: 4 }]));
    const named = await open({}, { guard: led, host: 'mail.example.com' });
    await expect(named.send()).rejects.toMatchObject({ kind: 'denied' });
    expect([inside.smtp.open(), named.smtp.open()]).toEqual([0, 0]);
  });
});
