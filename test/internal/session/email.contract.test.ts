/** Email triggers on a real mail server: Dovecot of Debian, which `scripts/test.sh` starts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mailboxState, triggerStart } from '../../../internal/session/mailbox-state.ts';
import type { SessionParts } from '../../../internal/session/parts.ts';
import type { ImapConnection } from '../../../pkg/imap/imap.ts';
import { heldUp } from '../../faults/lab/starvation.ts';
import {
  applyEmail,
  eventsOf,
  makeAccount,
  makeParts,
  occurrencesOf,
  subjectsOf,
  watch,
} from './mail-world.ts';

const patient = { timeout: 20_000, interval: 20 };

/** A mailbox that is watched for one trigger, which counts from now on. */
async function watched(trigger: object = {}) {
  const parts = await makeParts();
  const mail = await makeAccount();
  await applyEmail(parts, trigger);
  const watching = watch(parts, mail.account);
  await started(parts);
  return { ...mail, parts, watching };
}

async function started(parts: SessionParts) {
  const isStarted = async () => {
    const triggers = await parts.store.triggers({ type: 'email' });
    const starts = await Promise.all(triggers.map(({ id }) => triggerStart(parts.store, id)));
    return starts.length > 0 && starts.every((start) => start !== null);
  };
  await expect.poll(isStarted, patient).toBe(true);
}

const ran = (parts: SessionParts, subjects: readonly string[]) =>
  expect.poll(() => subjectsOf(parts), patient).toEqual(subjects);

/** Nothing of it is read: what stays behind as a server would hold the pipe open. */
async function run(file: string, args: readonly string[]): Promise<void> {
  const [code] = await once(spawn(file, args, { stdio: 'ignore' }), 'exit');
  if (code !== 0) throw new Error(`${file} ended with ${code}`);
}

describe('a message that comes', () => {
  test('runs within 5 s when the mail server tells of it', async () => {
    const { parts, deliver } = await watched();
    await deliver({ subject: 'one' });
    const [began, held] = [performance.now(), heldUp()];
    await ran(parts, ['one']);
    expect(performance.now() - began).toBeLessThan(5_000 + held());
    const [event] = await eventsOf(parts);
    expect(event).toMatchObject({
      from: { name: 'Ann', address: 'ann@example.com' },
      to: [{ address: 'bot@example.com' }],
      text: 'hi\n',
      senderVerified: true,
      attachments: [],
      isCut: false,
    });
  });

  test('runs within the poll interval when the mail server does not', async () => {
    const parts = await makeParts();
    const mail = await makeAccount();
    await applyEmail(parts);
    const open = async (...args: Parameters<typeof mail.account.open>): Promise<ImapConnection> => ({
      ...(await mail.account.open(...args)),
      canIdle: false,
      idle: () => Promise.reject(new Error('this server has no IDLE')),
    });
    const checkIntervalMs = 1_000;
    watch(parts, { ...mail.account, checkIntervalMs, open });
    await started(parts);
    const sent: string[] = [];
    for (const subject of ['one', 'two']) {
      await mail.deliver({ subject });
      const [began, held] = [performance.now(), heldUp()];
      sent.push(subject);
      await ran(parts, sent);
      // a look at one message is the rest
      expect(performance.now() - began).toBeLessThan(checkIntervalMs + 1_500 + held());
    }
    expect(mail.wire.accepted()).toBe(1);
  });

  test('before the trigger was there never runs', async () => {
    const parts = await makeParts();
    const mail = await makeAccount();
    await mail.deliver({ subject: 'old' });
    await mail.deliver({ subject: 'older' });
    await applyEmail(parts);
    watch(parts, mail.account);
    await started(parts);
    await mail.deliver({ subject: 'new' });
    await ran(parts, ['new']);
    await applyEmail(parts, {}, 'second');
    await started(parts);
    await mail.deliver({ subject: 'newer' });
    await expect.poll(() => subjectsOf(parts), patient).toHaveLength(3);
    expect(await subjectsOf(parts)).toEqual(['new', 'newer', 'newer']);
  });

  test('F-88: with the Message-ID of another one runs once', async () => {
    const { parts, deliver, user } = await watched();
    const lastUid = async () => (await mailboxState(parts.store, `${user}/INBOX`))?.lastUid;
    await deliver({ subject: 'one', id: 'same@x' });
    await ran(parts, ['one']);
    await deliver({ subject: 'again', id: 'same@x' });
    await expect.poll(lastUid, patient).toBe(2);
    await deliver({ subject: 'two' });
    await ran(parts, ['one', 'two']);
  });

  test('F-88, S-45: from a forged sender is refused, and does not keep the real one from running', async () => {
    const { parts, deliver } = await watched();
    const forged = 'Authentication-Results: mx.evil.test; dmarc=pass header.from=example.com';
    await deliver({ subject: 'forged', id: 'same@x', headers: forged });
    await expect.poll(() => occurrencesOf(parts), patient).toHaveLength(1);
    const [refused] = await occurrencesOf(parts);
    expect(refused).toMatchObject({
      decision: 'skipped',
      reason: 'sender_refused',
      taskId: null,
      eventId: null,
    });
    expect(refused?.details).toMatchObject({ from: 'ann@example.com', subject: 'forged' });
    await deliver({ subject: 'real', id: 'same@x' });
    await ran(parts, ['real']);
  });

  test('F-88: of 50 MB runs with the beginning of its text, and without its files', async () => {
    const { parts, deliver } = await watched({ attachments: true });
    const line = `${'A'.repeat(76)}\n`;
    const part = `--b\nContent-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64\n\n`;
    const head =
      'Authentication-Results: mx.example.com; dmarc=pass header.from=example.com\nFrom: ann@example.com\nSubject: big\n' +
      'Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n';
    await deliver({ raw: `${head}${part}${line.repeat(50 * 13_617)}--b--\n` });
    await ran(parts, ['big']);
    const [event] = await eventsOf(parts);
    expect(event).toMatchObject({ text: 'hello\n', isCut: true });
    expect(event?.bytes).toBeGreaterThan(50 * 1024 * 1024);
    expect(event?.attachments).toMatchObject([{ name: 'a.pdf', leftOut: 'the message is too large' }]);
  });

  test('F-88: with parts nested 300 deep runs with its headers', async () => {
    const { parts, deliver } = await watched();
    const nest = Array.from(
      { length: 300 },
      (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\n\n--b${i}\n`,
    );
    const head =
      'Authentication-Results: mx.example.com; dmarc=pass header.from=example.com\nFrom: ann@example.com\nSubject: deep\n';
    await deliver({ raw: `${head}${nest.join('')}\nhi\n` });
    await ran(parts, ['deep']);
    expect(await eventsOf(parts)).toMatchObject([{ text: null, isCut: true }]);
  });

  test('hands its files to the task when that is asked for', async () => {
    const { parts, deliver } = await watched({ attachments: { types: ['text/*'] } });
    const raw = [
      'Authentication-Results: mx.example.com; dmarc=pass header.from=example.com',
      'From: ann@example.com\nSubject: files\nContent-Type: multipart/mixed; boundary=b\n',
      '--b\n\nsee below',
      '--b\nContent-Type: text/csv; name="../../etc/a.csv"\nContent-Disposition: attachment\n\n1,2',
      '--b\nContent-Type: application/x-sh; name=b.sh\nContent-Disposition: attachment\n\nrm',
      '--b--\n',
    ].join('\n');
    await deliver({ raw });
    await ran(parts, ['files']);
    const [event] = await eventsOf(parts);
    expect(event?.attachments).toMatchObject([
      { name: 'a.csv', contentType: 'text/csv', base64: Buffer.from('1,2\n').toString('base64') },
      { name: 'b.sh', leftOut: 'its type is not asked for' },
    ]);
  });
});

describe('when its task is there, a message', () => {
  test('is marked as read', async () => {
    const { parts, deliver, files } = await watched({ markSeen: true });
    await deliver({ subject: 'one' });
    await ran(parts, ['one']);
    await expect.poll(() => files(), patient).toEqual([expect.stringMatching(/:2,.*S/)]);
  });

  test('is moved', async () => {
    const { parts, deliver, files } = await watched({ moveTo: 'Done' });
    await deliver({ subject: 'one' });
    await ran(parts, ['one']);
    await expect.poll(() => files('.Done'), patient).toHaveLength(1);
    await expect.poll(() => files(), patient).toEqual([]);
  });

  test('does not run again when the server dies before it is marked', async () => {
    const parts = await makeParts();
    const mail = await makeAccount();
    await applyEmail(parts, { markSeen: true });
    let died = false;
    const open = async (...args: Parameters<typeof mail.account.open>): Promise<ImapConnection> => ({
      ...(await mail.account.open(...args)),
      markSeen: async () => {
        died = true;
        mail.wire.drop();
        throw new Error('dead');
      },
    });
    const first = watch(parts, { ...mail.account, open });
    await started(parts);
    await mail.deliver({ subject: 'one' });
    await expect.poll(() => died, patient).toBe(true);
    await first.stop();
    watch(parts, mail.account);
    await mail.deliver({ subject: 'two' });
    await ran(parts, ['one', 'two']);
    await expect
      .poll(() => mail.files(), patient)
      .toEqual(
        expect.arrayContaining([expect.stringMatching(/:2,.*S/), expect.not.stringMatching(/:2,.*S/)]),
      );
  });
});

describe('what comes while nobody is there runs once, in its order,', () => {
  test('after the connection was cut', async () => {
    const { parts, deliver, wire } = await watched();
    await deliver({ subject: 'one' });
    await ran(parts, ['one']);
    wire.cut();
    await deliver({ subject: 'two' });
    wire.mend();
    await ran(parts, ['one', 'two']);
  });

  test('after the mail server was started anew', async () => {
    const { parts, deliver } = await watched();
    await deliver({ subject: 'one' });
    await ran(parts, ['one']);
    const conf = join(dirname(process.env.KERUTA_TEST_IMAP_DIR ?? ''), 'dovecot.conf');
    await run('/usr/bin/doveadm', ['-c', conf, 'stop']);
    await deliver({ subject: 'two' });
    const start = () =>
      run('/usr/sbin/dovecot', ['-c', conf]).then(
        () => true,
        () => false,
      );
    await expect.poll(start, patient).toBe(true);
    await ran(parts, ['one', 'two']);
  });

  test('after this server was started anew', async () => {
    const { parts, deliver, watching, account } = await watched();
    await deliver({ subject: 'one' });
    await ran(parts, ['one']);
    await watching.stop();
    await deliver({ subject: 'two' });
    watch(parts, account);
    await ran(parts, ['one', 'two']);
  });

  test('after all messages got other numbers', async () => {
    const { parts, deliver, renumber, watching, user, account } = await watched();
    for (const subject of ['one', 'two']) {
      await deliver({ subject });
      await expect.poll(() => subjectsOf(parts), patient).toContain(subject);
    }
    await watching.stop();
    const before = await mailboxState(parts.store, `${user}/INBOX`);
    // the new validity is made of the second in which it is made
    await expect
      .poll(() => Math.floor(parts.clock.now() / 1000), patient)
      .toBeGreaterThan(before?.uidValidity ?? 0);
    await renumber();
    await deliver({ subject: 'three' });
    watch(parts, account);
    await ran(parts, ['one', 'two', 'three']);
    await deliver({ subject: 'four' });
    await ran(parts, ['one', 'two', 'three', 'four']);
    const state = await mailboxState(parts.store, `${user}/INBOX`);
    expect(state?.uidValidity).not.toBe(before?.uidValidity);
    const reset = (await occurrencesOf(parts)).filter(({ reason }) => reason === 'uidvalidity_reset');
    expect(reset).toMatchObject([{ details: { before: before?.uidValidity, now: state?.uidValidity } }]);
  });
});
