import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockCheckout, withCheckout } from '../../../../internal/worker/checkout/checkout-lock.ts';
import { systemClock } from '../../../../pkg/clock/system-clock.ts';
import { temporaryDirectory } from '../../../fixtures/git.ts';

test('who wants a checkout that another process changes waits until it is free, or until it is told to stop', async () => {
  const base = temporaryDirectory('lock');
  const other = spawn('sleep', ['60']);
  try {
    const place = { privateDirectory: join(base, 'git'), directory: join(base, 'clone'), pid: process.pid };
    const asked = lockCheckout({ ...place, pid: other.pid ?? 0 });
    expect('letGo' in asked).toBe(true);
    expect(lockCheckout(place)).toMatchObject({ holder: { pid: other.pid } });
    const stop = new AbortController();
    const waiting = withCheckout({ clock: systemClock, signal: stop.signal }, place, async () => 'mine');
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    const again = withCheckout(
      { clock: systemClock, signal: new AbortController().signal },
      place,
      async () => 'mine',
    );
    // a lock whose holder died is free
    other.kill('SIGKILL');
    await once(other, 'exit');
    expect(await again).toBe('mine');
  } finally {
    other.kill('SIGKILL');
  }
});
