import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { identityOf } from '../../../pkg/process/process-identity.ts';
import { makeRepository, write } from '../../fixtures/git.ts';
import { allocate, deadIdentity, fileAt, makePool } from './pool-fixture.ts';

const files = { 'a.txt': 'one\n' };

/** A clock whose wall can be moved; it waits as the real one does. */
function movableClock() {
  const wall = new TestClock(Date.now());
  return { wall, clock: { ...systemClock, now: () => wall.now() } };
}

/** A process that lives until the test ends it. */
async function livingProcess(
  cwd = '/',
): Promise<{ identity: NonNullable<ReturnType<typeof identityOf>>; end(): Promise<void> }> {
  const child = spawn('sleep', ['600'], { cwd, stdio: 'ignore' });
  await new Promise((resolve) => child.once('spawn', resolve));
  const identity = identityOf(child.pid ?? 0);
  if (identity === null) throw new Error('sleep did not start');
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    identity,
    end: () => {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

describe('a lease', () => {
  test('of a process that lives holds beyond its time; of one that died until its time is over', async () => {
    const remote = makeRepository(files);
    const { wall, clock } = movableClock();
    const { as, pool } = makePool({ clock });
    const other = await livingProcess();
    try {
      const held = await as({ holder: other.identity }).allocate({
        url: remote,
        requiredBy: 'one',
        leaseMs: 60_000,
      });
      write(held.path, { 'a.txt': 'mine\n' });
      wall.advance(3_600_000);
      expect((await pool.list()).slots).toMatchObject([{ state: 'leased', pid: other.identity.pid }]);
      expect((await allocate(pool, remote, 'two')).path).not.toBe(held.path);
      await expect(pool.release({ id: held.id })).rejects.toMatchObject({
        code: 'KERUTA_ERR_SLOT_IN_USE',
        message: expect.stringContaining(`process ${other.identity.pid}`),
      });
      await other.end();
      expect((await pool.list()).slots[0]).toMatchObject({ state: 'abandoned', pid: null });
      const next = await allocate(pool, remote, 'three');
      expect(next).toMatchObject({ path: held.path, isResumed: false });
      expect(fileAt(next.mirrorPath, next.kept[0]?.commit ?? '', 'a.txt')).toBe('mine\n');
    } finally {
      await other.end();
    }
  });

  test('of a process that died is taken up by the same, with all that is in the slot, also when its time is over', async () => {
    const remote = makeRepository(files);
    const { wall, clock } = movableClock();
    const { as, pool } = makePool({ clock });
    const held = await as({ holder: deadIdentity }).allocate({
      url: remote,
      requiredBy: 'one',
      leaseMs: 60_000,
    });
    write(held.path, { 'a.txt': 'mine\n' });
    expect((await allocate(pool, remote, 'two')).path).not.toBe(held.path);
    wall.advance(3_600_000);
    const again = await allocate(pool, remote, 'one');
    expect(again).toMatchObject({ id: held.id, isResumed: true, kept: [] });
    expect((await pool.list()).slots[0]).toMatchObject({ state: 'leased', pid: process.pid });
  });

  test('of nobody in particular holds for its time, and can be made to last', async () => {
    const remote = makeRepository(files);
    const { wall, clock } = movableClock();
    const { pool } = makePool({ clock });
    const ask = (requiredBy: string) =>
      pool.allocate({ url: remote, requiredBy, isOurs: false, leaseMs: 60_000 });
    const held = await ask('one');
    wall.advance(59_000);
    const renewed = await pool.renew({ id: held.id, lease: held.lease, leaseMs: 60_000 });
    expect(renewed.leaseUntil).toBe(wall.now() + 60_000);
    wall.advance(59_000);
    expect((await ask('two')).path).not.toBe(held.path);
    wall.advance(2_000);
    expect((await ask('three')).path).toBe(held.path);
    await expect(pool.renew({ id: held.id, lease: held.lease })).rejects.toMatchObject({
      code: 'KERUTA_ERR_SLOT_IN_USE',
    });
    await expect(pool.release({ id: held.id, lease: held.lease })).rejects.toMatchObject({
      code: 'KERUTA_ERR_SLOT_IN_USE',
      message: expect.stringContaining('lease'),
    });
  });

  test('that has run out leaves a slot alone in which somebody works', async () => {
    const remote = makeRepository(files);
    const { pool, as } = makePool();
    const held = await as({ holder: deadIdentity }).allocate({ url: remote, requiredBy: 'one', leaseMs: 1 });
    const shell = await livingProcess(held.path);
    try {
      await expect.poll(async () => (await pool.list()).slots[0]?.state).toBe('abandoned');
      expect((await allocate(pool, remote, 'two')).path).not.toBe(held.path);
    } finally {
      await shell.end();
    }
    expect((await allocate(pool, remote, 'three')).path).toBe(held.path);
  });

  test('of a living process is broken by force only', async () => {
    const remote = makeRepository(files);
    const { pool, as } = makePool();
    const other = await livingProcess();
    try {
      const held = await allocate(as({ holder: other.identity }), remote);
      expect(await pool.release({ id: held.id, force: true })).toMatchObject({ wasFree: false });
      expect((await pool.list()).slots).toMatchObject([{ state: 'free', path: join(held.path) }]);
    } finally {
      await other.end();
    }
  });
});
