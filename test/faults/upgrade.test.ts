import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makePlace, type Place, until } from '../e2e/place.ts';
import { faultyExecutable, Lab } from './lab/lab.ts';
import { ledgerFaults } from './lab/ledger.ts';
import { tally } from './lab/rounds.ts';

/** Versions: what an older one left, and a new one that takes over in the middle. */
const fixtures = resolve(import.meta.dirname, '../fixtures/state');
let place: Place;
beforeEach(() => {
  place = makePlace('upgrade', faultyExecutable);
});
afterEach(() => place.close());

interface About {
  readonly session: string;
  readonly whole: string;
  readonly cut: string;
  readonly cutLines: number;
  readonly waiting: string;
}

test.each(readdirSync(fixtures).filter((name) => name.endsWith('.tar.gz')))(
  'F-13: the state that %s left is read: nothing of it is lost, and nothing is run a second time',
  async (name) => {
    execFileSync('tar', ['-xzf', join(fixtures, name), '-C', place.directory]);
    const about = JSON.parse(readFileSync(place.path('about.json'), 'utf8')) as About;
    await place.server();
    expect(await place.logs(about.whole, 'stdout')).toContain('out 20\n');
    expect(await place.task(about.cut)).toMatchObject({ status: 'PROCESSING', attempt: 1 });
    await place.daemon(about.session, ['--base-dir', place.path('base-kept')]);
    const cut = await place.when(about.cut, ({ logComplete }) => logComplete === true, 30_000);
    expect(cut).toMatchObject({ status: 'FAILED', exitCode: 7, attempt: 1, reason: null });
    for (const [stream, word] of [
      ['stdout', 'out'],
      ['stderr', 'err'],
    ] as const) {
      expect(ledgerFaults(await place.logs(about.cut, stream), word, about.cutLines)).toEqual([]);
    }
    expect(await place.ended(about.waiting, 60_000)).toMatchObject({ status: 'COMPLETED' });
    tally({ row: 'F-13', rounds: 1, lines: 2 * about.cutLines, note: name });
  },
);

test('a new executable in the place of the old one under a running task: the task goes on, and speaks through the new one', async () => {
  const lab = await Lab.open('upgrade-under');
  try {
    const session = await lab.place.session('upgrade');
    const old = await lab.agent(session);
    const go = lab.place.path('go');
    const id = await lab.submit(
      session,
      `keruta progress 10; echo before; while [ ! -e '${go}' ]; do sleep 0.05; done; keruta progress 90 --message after; keruta log INFO "from the new one"; echo after; exit 5`,
    );
    await until('it runs', async () => (await lab.place.logs(id, 'stdout')) === 'before\n');
    copyFileSync(faultyExecutable, `${lab.place.executable}.new`);
    renameSync(`${lab.place.executable}.new`, lab.place.executable);
    await old.stop('SIGKILL');
    lab.place.file('go', '');
    const fresh = await lab.agent(session);
    const task = await lab.place.when(id, ({ logComplete }) => logComplete === true, 30_000);
    expect(task).toMatchObject({ status: 'FAILED', exitCode: 5, attempt: 1, progress: 90, reason: null });
    expect(await lab.place.logs(id, 'stdout')).toBe('before\nafter\n');
    expect(JSON.stringify(await lab.place.api('GET', `/tasks/${id}/logs`))).toContain('from the new one');
    await fresh.stop('SIGKILL');
    tally({ row: 'F-13', rounds: 1, note: 'the executable replaced under a task' });
  } finally {
    await lab.close();
  }
});
