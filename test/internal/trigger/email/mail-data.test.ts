import { describe, expect, test } from 'vitest';
import type { AttachmentLimits } from '../../../../internal/trigger/email/email-spec.ts';
import { toMailData } from '../../../../internal/trigger/email/mail-data.ts';
import type { Mail, MailFile } from '../../../../pkg/mail/read-mail.ts';

const facts = { uid: 7, mailbox: 'INBOX', bytes: 100, arrivedAt: Date.UTC(2026, 0, 1), isCut: false };
const sender = { isVerified: true, address: 'ann@example.com' } as const;
const all: AttachmentLimits = { maxBytes: 10, maxTotalBytes: 15, types: ['*'] };

function mailOf(more: Partial<Mail>): Mail {
  const nobody = { from: [], to: [], cc: [], headers: [], files: [] };
  return { ...nobody, subject: '', messageId: null, date: null, text: null, html: null, ...more };
}

const fileOf = (more: Partial<MailFile>): MailFile => ({
  ...{ name: 'a.txt', contentType: 'text/plain', isInline: false, content: new Uint8Array(5) },
  ...more,
});

const dataOf = (more: Partial<Mail>, limits: AttachmentLimits | null = all) =>
  toMailData(mailOf(more), { facts, sender, limits });

describe('what a task reads of a message', () => {
  test('has its text cut at 256 KiB, and says so', () => {
    expect(dataOf({ text: 'x'.repeat(300_000) })).toMatchObject({ text: 'x'.repeat(262_144), isCut: true });
    expect(dataOf({ text: 'x' })).toMatchObject({ text: 'x', html: null, isCut: false });
  });

  test('has its HTML only when it has no text', () => {
    expect(dataOf({ html: '<p>' })).toMatchObject({ text: null, html: '<p>' });
    expect(dataOf({ text: 'x', html: '<p>' })).toMatchObject({ text: 'x', html: null });
  });

  test('has headers up to 64 KiB, and a hundred people at most', () => {
    const headers = Array.from({ length: 100 }, () => ({ name: 'x-y', value: 'v'.repeat(997) }));
    const to = Array.from({ length: 300 }, () => ({ name: '', address: 'a@b.test' }));
    const data = dataOf({ headers, to });
    expect(data.headers).toHaveLength(65);
    expect(data.to).toHaveLength(100);
  });
});

describe('its files', () => {
  test('go along up to their limits; the others are named, with the reason', () => {
    const files = [
      fileOf({ content: Buffer.from('hello') }),
      fileOf({ content: new Uint8Array(11) }),
      fileOf({ content: new Uint8Array(9) }),
      fileOf({ content: new Uint8Array(2) }),
    ];
    expect(dataOf({ files }).attachments).toMatchObject([
      { bytes: 5, base64: Buffer.from('hello').toString('base64') },
      { bytes: 11, leftOut: 'it is larger than 10 bytes' },
      { bytes: 9, base64: expect.any(String) },
      { bytes: 2, leftOut: 'all together are larger than 15 bytes' },
    ]);
  });

  test('stay behind when nobody asked for them', () => {
    expect(dataOf({ files: [fileOf({})] }, null).attachments).toEqual([
      {
        ...{ name: 'a.txt', contentType: 'text/plain', isInline: false, bytes: 5 },
        leftOut: 'attachments are not asked for',
      },
    ]);
  });

  test.each([
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\x\\a.doc', 'a.doc'],
    ['..', 'attachment-1'],
    ['.bashrc', 'bashrc'],
    ['a\u0000b\u202Egpj.exe', 'a_b_gpj.exe'],
    ['請求書.pdf', '請求書.pdf'],
    [null, 'attachment-1'],
    ['x'.repeat(500), 'x'.repeat(120)],
  ])('named %s are called %s', (name, wanted) => {
    expect(dataOf({ files: [fileOf({ name })] }).attachments).toMatchObject([{ name: wanted }]);
  });
});
