import { describe, expect, test } from 'vitest';
import { readImapAddress } from '../../../../internal/trigger/email/imap-address.ts';
import { readWorkflow } from '../../../../internal/trigger/read-workflow.ts';

const read = (trigger: object) =>
  readWorkflow({ name: 'w', run: 'true', triggers: [{ type: 'email', ...trigger }] }, { zone: 'UTC' });
const verified = { allowedSenders: ['*@example.com'], authservId: 'mx.example.com' };

describe('an email trigger', () => {
  test('says who may fire it', () => {
    expect(read({ ...verified, attachments: true, moveTo: 'Done' }).warnings).toEqual([]);
    expect(() => read({ allowedSenders: '*@example.com' })).toThrow('authservId: expected the name');
    expect(() => read({ authservId: 'mx' })).toThrow('allowedSenders: expected addresses');
  });

  test('takes unverified senders only when that is written out, and warns', () => {
    expect(read({ unverified: 'allow' }).warnings).toMatchObject([{ path: ['triggers', 0] }]);
    expect(() => read({ ...verified, unverified: true })).toThrow('triggers[0].unverified');
  });

  test.each([
    ['an unknown field', { senders: 'x' }, 'senders'],
    ['files without limit', { attachments: { maxBytes: 100_000_000 } }, 'attachments'],
    ['a move to where it is', { moveTo: 'INBOX' }, 'moveTo: expected another mailbox'],
    ['no pattern', { from: [] }, 'triggers[0].from'],
  ])('is refused with %s', (_what, more, message) => {
    expect(() => read({ ...verified, ...more })).toThrow(message);
  });
});

describe('IMAP_SERVER', () => {
  test.each([
    ['imap.example.com', 'imap.example.com', 993, true],
    ['imap.example.com:1993', 'imap.example.com', 1993, true],
    ['imaps://imap.example.com/', 'imap.example.com', 993, true],
    ['imap://127.0.0.1:1143', '127.0.0.1', 1143, false],
    ['imap://localhost', 'localhost', 143, false],
    ['[2001:db8::1]:993', '2001:db8::1', 993, true],
    ['imap://[::1]', '::1', 143, false],
  ])('%s', (text, host, port, isTls) => {
    expect(readImapAddress(text)).toEqual({ host, port, isTls });
  });

  test.each([
    ['imap://imap.example.com', 'unencrypted, for imap.example.com'],
    ['imap://127.0.0.1.example.com', 'unencrypted'],
    ['imaps://ann:secret@imap.example.com', 'got something else'],
    ['http://imap.example.com', 'got something else'],
    ['imap.example.com:70000', 'got port 70000'],
    ['', 'got something else'],
  ])('"%s" is refused', (text, message) => {
    expect(() => readImapAddress(text)).toThrow(message);
    expect(() => readImapAddress(text)).not.toThrow('secret');
  });
});
