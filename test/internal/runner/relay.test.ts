import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeMailbox, encodeMailboxRecord } from '../../../internal/domain/mailbox.ts';
import { keepResult } from '../../../internal/runner/elsewhere/kept-result.ts';
import { encodeFrame } from '../../../internal/runner/relay/frames.ts';
import { MailboxRelay } from '../../../internal/runner/relay/mailbox-relay.ts';
import { RelayReceiver } from '../../../internal/runner/relay/relay-receiver.ts';
import { RelaySender } from '../../../internal/runner/relay/relay-sender.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { temporaryDirectory } from '../../fixtures/git.ts';

const key = 'a-key';

/** A sender whose lines are kept, and a receiver with a place of its own. */
function makeRelay() {
  const place = temporaryDirectory('relay');
  const lines: string[] = [];
  const sender = new RelaySender({
    key,
    write: async (line) => {
      lines.push(line.slice(0, -1));
    },
  });
  const heard = { stdout: '', stderr: '' };
  const receive = (name: string) => {
    const root = join(place, name);
    mkdirSync(root, { recursive: true });
    return new RelayReceiver({
      ...{ log: silentLog, key, roots: [root], keptBack: join(root, 'result.json') },
      ...{ directory: join(place, `${name}-relayed`), mailbox: join(root, 'mailbox') },
      output: async (stream, bytes) => {
        heard[stream] += Buffer.from(bytes).toString();
      },
    });
  };
  const root = join(place, 'there');
  return { root, lines, sender, heard, receiver: receive('there') };
}

describe('what a runner hands over', () => {
  test('comes as it was: output of both streams, files of any size, the last word', async () => {
    const { root, lines, sender, heard, receiver } = makeRelay();
    const [big, empty] = [join(root, 'round-1/big'), join(root, 'empty')];
    mkdirSync(join(root, 'round-1'));
    const bytes = Buffer.from(systemRandom.secret(300_000));
    writeFileSync(big, bytes);
    writeFileSync(empty, '');
    const text = `${'ä'.repeat(10_000)}\n\u0000end`;
    void sender.output('stdout', Buffer.from(text));
    void sender.file(big);
    void sender.output('stderr', Buffer.from('said\n'));
    void sender.file(empty);
    await sender.end(1, true);
    for (const file of [big, empty]) writeFileSync(file, 'something else');
    for (const line of lines) await receiver.take(line);
    expect([heard.stdout === text, heard.stderr]).toEqual([true, 'said\n']);
    expect([readFileSync(big).equals(bytes), readFileSync(empty, 'utf8')]).toEqual([true, '']);
    expect(receiver).toMatchObject({ hasBegun: true, missing: 0, lost: [] });
    expect(receiver.end).toEqual({ exitCode: 1, wasOutOfMemory: true });
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(16_000);
  });

  test('that comes again is taken once, and lines of others are shown as they are', async () => {
    const { lines, sender, heard, receiver } = makeRelay();
    await sender.output('stdout', Buffer.from('once\n'));
    for (const line of [
      ...lines,
      ...lines,
      'sh: 1: not found',
      `${key} 7 {"kind":"strange"}`,
      `${key}x 8 {}`,
    ])
      await receiver.take(line);
    expect(heard).toEqual({
      stdout: 'once\n',
      stderr: `sh: 1: not found\n${key} 7 {"kind":"strange"}\n${key}x 8 {}\n`,
    });
    expect(receiver.hasBegun).toBe(true);
  });

  test('and was lost on the way is noticed, and no part of a file stands for the whole', async () => {
    const { root, lines, sender, receiver } = makeRelay();
    const [torn, whole, gone] = ['torn', 'whole', 'gone'].map((name) => join(root, name));
    for (const file of [torn, whole]) writeFileSync(file ?? '', Buffer.from(systemRandom.secret(20_000)));
    for (const file of [torn, whole, gone]) await sender.file(file ?? '');
    const missing = lines.findIndex((line) => line.includes('"file"')) + 1;
    writeFileSync(torn ?? '', 'before');
    for (const line of lines.toSpliced(missing, 1)) await receiver.take(line);
    expect(receiver.missing).toBe(1);
    expect(receiver.lost).toEqual([expect.stringContaining(`${torn}: `), expect.stringContaining('ENOENT')]);
    expect(readFileSync(torn ?? '', 'utf8')).toBe('before');
    expect(receiver.end).toBeNull();
  });

  test.each(['/etc/passwd', '../outside', '../there/../outside', '../there-too/x'])(
    'has no business in %s',
    async (path) => {
      const { root, receiver } = makeRelay();
      const target = path.startsWith('/') ? path : `${root}/${path}`;
      const whole = { bytes: 0, sha256: '' };
      await receiver.take(encodeFrame(key, 1, { kind: 'file', path: target, data: '', whole }).trim());
      expect(receiver.lost).toEqual([`${target}: it has no business there`]);
      expect(existsSync(join(root, '../outside'))).toBe(false);
    },
  );

  test('is no link, and its result is kept back', async () => {
    const { root, lines, sender, receiver } = makeRelay();
    symlinkSync('/etc/hostname', join(root, 'link'));
    writeFileSync(join(root, 'result.json'), '{"success":true}');
    await sender.file(join(root, 'link'));
    await sender.file(join(root, 'result.json'));
    writeFileSync(join(root, 'result.json'), 'old');
    for (const line of lines) await receiver.take(line);
    expect(receiver.lost).toEqual([expect.stringContaining('no regular file')]);
    expect(receiver.keptBack).toBe('{"success":true}');
    expect(readFileSync(join(root, 'result.json'), 'utf8')).toBe('old');
  });

  test('in a mailbox comes in its order, behind the files that it names', async () => {
    const { root, lines, sender, receiver } = makeRelay();
    const [own, added] = [join(root, 'own-mailbox'), join(root, 'added-file')];
    writeFileSync(added, 'made');
    const relay = new MailboxRelay({ clock: systemClock, sender, file: own });
    const words = [
      ['progress', '50'],
      ['artifact', 'add', added, '--name', 'made'],
    ];
    for (const one of words) writeFileSync(own, encodeMailboxRecord(one), { flag: 'a' });
    writeFileSync(own, '\n@99 torn', { flag: 'a' });
    await relay.close();
    const kinds = lines.map((line) => /"kind":"(\w+)"/.exec(line)?.[1]);
    expect(kinds.lastIndexOf('file')).toBeLessThan(kinds.lastIndexOf('mailbox'));
    for (const line of lines) await receiver.take(line);
    const { records } = decodeMailbox(readFileSync(join(root, 'mailbox')), 0);
    expect(records.map((record) => record.words)).toEqual(words);
  });

  test('counts against a task that has succeeded, when files of it were lost', () => {
    const place = temporaryDirectory('kept');
    const kept = (result: object, lost: readonly string[]) => {
      keepResult(place, JSON.stringify(result), lost);
      return JSON.parse(readFileSync(join(place, 'result.json'), 'utf8'));
    };
    const [done, failed] = [
      { success: true, error: null },
      { success: false, error: { kind: 'TestExecutionError', message: 'no', details: [] } },
    ];
    expect(kept(done, [])).toEqual(done);
    expect(kept(failed, ['/a: gone'])).toEqual(failed);
    expect(kept(done, ['/a: gone'])).toMatchObject({
      success: false,
      error: { kind: 'ArtifactUploadError', message: expect.stringContaining('/a: gone') },
    });
  });
});
