import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { makeNotice } from '../../../cmd/keruta/roles/supervisor-notice.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { temporaryDirectory } from '../harness.ts';

/** A program that writes down what it is called with, in place of the one that needs a systemd. */
function listener() {
  const place = temporaryDirectory();
  const file = join(place, 'said');
  const program = `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> '${file}'\n`;
  writeFileSync(join(place, 'systemd-notify'), program, { mode: 0o755 });
  return {
    path: `${place}:/usr/bin:/bin`,
    said: () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []),
  };
}

const wait = { timeout: 15_000, interval: 20 };

test('systemd is told that the agent is ready, alive twice in its time, and ending', async () => {
  const { path, said } = listener();
  const clock = new TestClock();
  const env = { PATH: path, NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '60000000', WATCHDOG_PID: '42' };
  const notice = makeNotice({ clock, log: silentLog, env, pid: 42 });
  notice.ready(() => true);
  await vi.waitFor(() => expect(said()).toEqual(['/run/n --ready --status=takes tasks']), wait);
  clock.advance(29_999);
  clock.advance(1);
  await vi.waitFor(() => expect(said().slice(1)).toEqual(['/run/n WATCHDOG=1']), wait);
  clock.advance(30_000);
  await vi.waitFor(() => expect(said().slice(2)).toEqual(['/run/n WATCHDOG=1']), wait);
  await notice.stopping();
  clock.advance(300_000);
  expect(said().slice(3)).toEqual(['/run/n STOPPING=1']);
});

test('an agent whose loop stands still is not called alive', async () => {
  const { path, said } = listener();
  const clock = new TestClock();
  const env = { PATH: path, NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '2000000' };
  const notice = makeNotice({ clock, log: silentLog, env, pid: 42 });
  let alive = false;
  notice.ready(() => alive);
  await vi.waitFor(() => expect(said()).toEqual(['/run/n --ready --status=takes tasks']), wait);
  clock.advance(10_000);
  alive = true;
  clock.advance(1_000);
  await vi.waitFor(() => expect(said().slice(1)).toEqual(['/run/n WATCHDOG=1']), wait);
  await notice.stopping();
});

test('nothing is started where nobody asked, or another process is watched', async () => {
  const { path, said } = listener();
  const clock = new TestClock();
  const silent = makeNotice({ clock, log: silentLog, env: { PATH: path }, pid: 42 });
  silent.ready(() => true);
  await silent.stopping();
  expect(said()).toEqual([]);
  const env = { PATH: path, NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '2000000', WATCHDOG_PID: '7' };
  const other = makeNotice({ clock, log: silentLog, env, pid: 42 });
  other.ready(() => true);
  clock.advance(60_000);
  await other.stopping();
  await vi.waitFor(() => expect(said()).toHaveLength(2), wait);
  expect(said().join()).not.toContain('WATCHDOG');
});

test('a machine without systemd-notify does not end the agent', async () => {
  const clock = new TestClock();
  const env = { PATH: temporaryDirectory(), NOTIFY_SOCKET: '/run/n' };
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
  const notice = makeNotice({ clock, log, env, pid: 42 });
  notice.ready(() => true);
  await notice.stopping();
  expect(warnings).toContain('systemd could not be told');
});
