import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { openPool } from '../../../internal/pool/open-pool.ts';
import type { Slot } from '../../../internal/pool/pool.ts';
import { git, makeRepository, temporaryDirectory } from '../../fixtures/git.ts';
import { allocate, fileAt, fsck, makePool, statusOf } from './pool-fixture.ts';

const run = promisify(execFile);
const program = join(import.meta.dirname, 'pool-program.ts');

async function use(
  orders: Record<string, unknown>,
): Promise<{ slots: readonly Slot[]; signal: string | null }> {
  const told = await run(process.execPath, ['--no-warnings', program, JSON.stringify(orders)], {
    timeout: 120_000,
  }).catch((error: { stdout: string; stderr: string; signal: string | null }) => {
    if (error.signal !== 'SIGKILL') throw error;
    return error;
  });
  const lines = told.stdout.split('\n').filter((line) => line !== '');
  return {
    slots: lines.map((line) => JSON.parse(line) as Slot),
    signal: 'signal' in told ? told.signal : null,
  };
}

/** A pool in this process, on the directory of others. */
function poolOn(directory: string) {
  const { parts } = makePool();
  return openPool({ ...parts, directory: join(directory, 'pool') });
}

test('many processes at once: no two have the same slot, one fetches, and all slots are free at the end', async () => {
  const url = makeRepository({ 'a.txt': 'one\n', 'b.txt': 'b\n' });
  const directory = temporaryDirectory('many');
  const names = (process: number) => [1, 2, 3].map((number) => `${process}.${number}`);
  const all = await Promise.all(
    [1, 2, 3, 4, 5].map((number) => use({ directory, url, names: names(number), release: true })),
  );
  expect(all.flatMap(({ slots }) => slots)).toHaveLength(15);
  const { slots, kept } = await poolOn(directory).list();
  expect(slots.length).toBeLessThanOrEqual(5);
  expect(new Set(slots.map(({ state }) => state))).toEqual(new Set(['free']));
  expect(kept).toEqual([]);
}, 120_000);

describe('a process that is killed', () => {
  test.each([
    ['pool_taken'],
    ['pool_mirror_begun'],
    ['pool_mirror_made'],
    ['pool_fetched'],
    ['pool_filling'],
    ['pool_filled'],
    ['pool_before_lease'],
  ])(
    'at %s leaves a slot that the next one makes right',
    async (dieAt) => {
      const url = makeRepository({ 'a.txt': 'one\n', 'b.txt': 'b\n' });
      const directory = temporaryDirectory('killed');
      expect((await use({ directory, url, names: ['one'], release: false, dieAt })).signal).toBe('SIGKILL');
      const pool = poolOn(directory);
      const slot = await allocate(pool, url, 'two');
      expect(slot).toMatchObject({ isResumed: false, kept: [] });
      expect(slot.path.endsWith('slot-1')).toBe(true);
      expect(statusOf(slot.path)).toBe('');
      expect(git(slot.path, 'log', '--format=%s')).toBe('first');
      fsck(slot.mirrorPath);
      expect(await pool.release({ id: slot.id })).toMatchObject({ kept: [] });
    },
    60_000,
  );

  test.each([['pool_taken_back'], ['pool_kept'], ['pool_filling'], ['pool_filled'], ['pool_before_free']])(
    'at %s while it returns a slot loses nothing of what was left there',
    async (dieAt) => {
      const url = makeRepository({ 'a.txt': 'one\n', 'b.txt': 'b\n' });
      const directory = temporaryDirectory('killed');
      // made by one that lives, so that the place is passed in returning
      await use({ directory, url, names: ['zero'], release: true });
      const order = { directory, url, names: ['one'], write: 'new.txt', release: true };
      // passed once already when the slot was handed out
      const times = /fill|kept/.test(dieAt) ? { dieAtTime: 2 } : {};
      expect((await use({ ...order, dieAt, ...times })).signal).toBe('SIGKILL');
      const pool = poolOn(directory);
      const slot = await allocate(pool, url, 'two');
      expect(statusOf(slot.path)).toBe('');
      const { kept } = await pool.list();
      const work = kept.find(({ ref }) => ref?.endsWith('/work'));
      expect(fileAt(slot.mirrorPath, work?.commit ?? '', 'new.txt')).toBe('');
      fsck(slot.mirrorPath);
    },
    60_000,
  );
});
