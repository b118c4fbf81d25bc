import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { encodeMailboxRecord } from '../../../internal/domain/mailbox.ts';
import { openStateDirectory } from '../../../internal/worker/state-directory.ts';
import { askSocket } from '../../../pkg/local-http/ask-socket.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { agentParts, Place } from './agent-under-test.ts';

// a busy machine holds up the loop, which is told for up to half a minute
vi.setConfig({ testTimeout: 180_000, expect: { poll: { timeout: 45_000 } } });

const canMount = (() => {
  const at = mkdtempSync(join(tmpdir(), 'mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at]).status === 0;
  if (mounted) spawnSync('umount', [at]);
  rmSync(at, { recursive: true });
  return mounted;
})();

/** A line of shell that does what an in-run command does. */
function say(...words: string[]): string {
  const octal = [...encodeMailboxRecord(words)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`);
  return `printf '${octal.join('')}' >> "$KERUTA_RUN_DIR/mailbox"`;
}

/** The executor wants one MiB itself. */
const floorBytes = 2 * 1024 * 1024;
const localApi = { host: 'localhost', port: 0, allowRemote: false, acceptInput: false };

describe.skipIf(!canMount)('an agent on a disk of its own (needs to mount one)', () => {
  let place: Place;
  let base: string;

  beforeEach(() => {
    place = new Place();
    base = mkdtempSync(join(tmpdir(), 'keruta-disk-'));
  });
  afterEach(async () => {
    mount('remount,rw');
    rmSync(join(base, 'ballast'), { force: true });
    await place.remove();
    spawnSync('umount', ['-l', base]);
    rmSync(base, { recursive: true });
  });

  const mount = (options: string) => spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', base]);

  /** Starts an agent on the disk. A spare run that waits would hold files open, and so keep the disk writable. */
  function start(minFreeDiskBytes = floorBytes) {
    const options = place.options({ localApi, minFreeDiskBytes, baseDirectory: base });
    const { executor } = agentParts(options);
    executor.prepare = () => {};
    return place.start(options, { executor });
  }

  const health = async () =>
    JSON.parse((await askSocket(join(base, 'agent.sock'), { path: '/health', timeoutMs: 5000 })).text);
  const claims = () => place.source.attempts.length;
  const begun = () => expect.poll(() => place.source.calls.length).toBeGreaterThan(0);

  /** Takes everything that is left. */
  function fill(): void {
    for (const size of [65_536, 4096, 1]) {
      const append = () => writeFileSync(join(base, 'ballast'), Buffer.alloc(size), { flag: 'a' });
      expect(() => {
        for (;;) append();
      }).toThrow('ENOSPC');
    }
  }

  test('F-51: takes no task while there is too little space, and goes on alone when there is some again', async () => {
    mount('size=4m');
    start();
    await begun();
    await expect.poll(health).toMatchObject({ status: 'healthy', disk: { state: 'ok', floorBytes } });
    fill();
    await expect
      .poll(health)
      .toMatchObject({ status: 'degraded', reasons: ['disk_low'], disk: { freeBytes: 0 } });
    place.source.add('echo later');
    const before = place.source.calls.length;
    await expect.poll(health).toMatchObject({ status: 'degraded' });
    place.source.changed();
    expect(claims()).toBe(0);
    expect(place.source.calls.length).toBeLessThanOrEqual(before + 1);
    rmSync(join(base, 'ballast'));
    await expect.poll(health).toMatchObject({ status: 'healthy', reasons: [] });
    const attempt = await place.source.until(() => place.source.attempts.find(({ report }) => report));
    expect(attempt.report).toMatchObject({ exitCode: 0, reason: null });
  });

  test('F-51: a task that runs goes on through a full disk, and is reported whole', async () => {
    mount('size=4m');
    start();
    const go = join(place.root, 'go');
    place.source.add(`echo one; while ! test -e ${go}; do sleep 0.05; done; echo two; exit 3`);
    await place.source.until(() => (place.source.attempts[0]?.streams.stdout.length ?? 0) > 0);
    fill();
    await expect.poll(health).toMatchObject({ reasons: ['disk_low'] });
    writeFileSync(go, '');
    // the end itself has to be written down, so it waits for space
    rmSync(join(base, 'ballast'));
    const attempt = await place.source.until(() => place.source.attempts.find(({ report }) => report));
    expect(attempt.report).toMatchObject({ exitCode: 3, reason: null });
    expect(Buffer.concat(attempt.streams.stdout).toString()).toBe('one\ntwo\n');
    expect(claims()).toBe(1);
  });

  test('F-51: a task that cannot be started for want of space is reported with the reason `disk`, each time', async () => {
    mount('size=4m');
    start(0);
    await begun();
    fill();
    place.source.add('echo never');
    place.source.add('echo never');
    await place.source.until(() => place.source.attempts.filter(({ report }) => report).length === 2);
    for (const { report } of place.source.attempts) {
      expect(report).toMatchObject({ reason: 'disk', errorCode: 'KERUTA_ERR_DISK_FULL', exitCode: null });
    }
    rmSync(join(base, 'ballast'));
    const task = place.source.add('echo again');
    await place.source.until(() => place.source.attempts[2]?.report);
    expect(place.source.attemptOf(task).report).toMatchObject({ exitCode: 0 });
    expect(readdirSync(join(base, 'runs')).length).toBeGreaterThan(0);
  });

  test('F-52: a base directory that becomes read-only holds tasks back and ends nothing', async () => {
    mount('size=4m');
    const { exit, control } = start();
    await begun();
    expect(mount('remount,ro').status).toBe(0);
    await expect.poll(health).toMatchObject({ status: 'degraded', reasons: ['disk_read_only'] });
    place.source.add('echo later');
    place.source.changed();
    expect(claims()).toBe(0);
    mount('remount,rw');
    await expect.poll(health).toMatchObject({ status: 'healthy' });
    await place.source.until(() => place.source.attempts[0]?.report);
    expect(place.source.attempts[0]?.report).toMatchObject({ exitCode: 0 });
    mount('remount,ro');
    control.stop('drain');
    expect(await exit).toMatchObject({ why: 'stopped', tasks: 1 });
  });

  test('F-52: a task on a read-only directory is reported with the reason `disk`', async () => {
    mount('size=4m');
    start(0);
    await begun();
    mount('remount,ro');
    place.source.add('echo never');
    await place.source.until(() => place.source.attempts[0]?.report);
    expect(place.source.attempts[0]?.report).toMatchObject({ reason: 'disk' });
    mount('remount,rw');
    const task = place.source.add('echo again');
    await place.source.until(() => place.source.attempts[1]?.report);
    expect(place.source.attemptOf(task).report).toMatchObject({ exitCode: 0 });
  });

  test('F-55: a disk without inodes holds tasks back until there are some', async () => {
    mount('size=4m,nr_inodes=200');
    start();
    await begun();
    const ballast = join(base, 'many');
    mkdirSync(ballast);
    const fillFiles = () => {
      try {
        for (let index = 0; ; index++) writeFileSync(join(ballast, String(index)), '');
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' });
      }
    };
    fillFiles();
    await expect.poll(health).toMatchObject({ status: 'degraded', reasons: ['disk_no_files'] });
    place.source.add('echo later');
    place.source.changed();
    expect(claims()).toBe(0);
    rmSync(ballast, { recursive: true });
    await expect.poll(health).toMatchObject({ status: 'healthy' });
    await place.source.until(() => place.source.attempts[0]?.report);
    expect(place.source.attempts[0]?.report).toMatchObject({ exitCode: 0 });
  });

  test('F-55: a task that finds no inode is reported with the reason `disk`', async () => {
    mount('size=4m,nr_inodes=40');
    start(0);
    await begun();
    try {
      for (let index = 0; ; index++) writeFileSync(join(base, `ballast${index}`), '');
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
    place.source.add('echo never');
    await place.source.until(() => place.source.attempts[0]?.report);
    expect(place.source.attempts[0]?.report).toMatchObject({ reason: 'disk' });
  });

  test('an answer that the full disk does not take is handed over when there is space', async () => {
    mount('size=4m');
    start(0);
    // what `keruta ask` does: a record in the mailbox, then it waits for the file
    const script = `${say('ask', 'Go?', '--key', 'k')}; f=$KERUTA_RUN_DIR/answers/k.json; while ! test -e $f; do sleep 0.05; done; cat $f`;
    place.source.add(script);
    const attempt = await place.source.until(() => place.source.attempts[0]);
    await place.source.until(() => attempt.messages.some(({ kind }) => kind === 'ask'));
    fill();
    attempt.inputs.push({ id: 'i', key: 'k', answer: 'yes' });
    place.source.changed();
    await place.source.until(() => place.source.calls.filter((call) => call === 'renew').length > 2);
    expect(existsSync(join(base, 'runs'))).toBe(true);
    rmSync(join(base, 'ballast'));
    await place.source.until(() => attempt.report);
    expect(JSON.parse(Buffer.concat(attempt.streams.stdout).toString())).toMatchObject({ answer: 'yes' });
  });

  test('a start on a full disk says what is wrong, and leaves no lock behind', () => {
    mount('size=4m');
    fill();
    const parts = { random: systemRandom, pid: process.pid, uid: process.getuid?.() ?? null };
    expect(() => openStateDirectory(base, parts)).toThrowError(
      expect.objectContaining({ code: 'KERUTA_ERR_DISK_FULL', message: expect.stringContaining(base) }),
    );
    expect(readdirSync(base)).not.toContain('agent.lock');
    rmSync(join(base, 'ballast'));
    openStateDirectory(base, parts).close();
  });
});
