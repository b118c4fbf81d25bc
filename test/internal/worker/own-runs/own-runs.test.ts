import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeLocalExecutor } from '../../../../internal/executor/local/local-executor.ts';
import { maxRunning, OwnRuns } from '../../../../internal/worker/own-runs/own-runs.ts';
import { readOwnRuns, writeOwnRun } from '../../../../internal/worker/own-runs/run-folder.ts';
import { systemClock } from '../../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../../pkg/log/log.ts';
import { systemRandom } from '../../../../pkg/random/random.ts';

let base = '';
let root = '';
const open: OwnRuns[] = [];
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'keruta-own-runs-'));
  root = join(base, 'own-runs');
});
afterEach(async () => {
  for (const runs of open.splice(0)) await runs.close({ goesOn: false });
  rmSync(base, { recursive: true, force: true });
});

async function agent(): Promise<OwnRuns> {
  const executor = makeLocalExecutor({ clock: systemClock, stateDirectory: join(base, 'shims') });
  const parts = { clock: systemClock, random: systemRandom, log: silentLog, executor, root, graceMs: 5_000 };
  const runs = new OwnRuns(parts);
  open.push(runs);
  await runs.open();
  return runs;
}

const env = { PATH: process.env.PATH ?? '' };
const begin = (runs: OwnRuns, script: string) =>
  runs.start({ title: 'Do it', prepare: async () => ({ script, env }) });
const ended = (runs: OwnRuns, id: string) =>
  expect.poll(() => runs.get(id).ended?.state, { timeout: 20_000 });

describe('runs of the local API', () => {
  test('tell their result and what they printed, piece by piece, and the end of it', async () => {
    const runs = await agent();
    const { id } = await begin(runs, 'echo \'{"success": true}\'; echo one >&2; echo two >&2');
    await ended(runs, id).toBe('completed');
    expect(runs.get(id)).toMatchObject({ title: 'Do it', ended: { exitCode: 0 }, result: { success: true } });
    const all = await runs.log(id, 0);
    expect(Buffer.from(all.bytes).toString()).toBe('one\ntwo\n');
    expect(all.isWhole).toBe(true);
    expect(Buffer.from((await runs.log(id, 4)).bytes).toString()).toBe('two\n');
    expect((await runs.log(id, 99)).bytes.length).toBe(0);
    const failing = await begin(runs, 'exit 3');
    await ended(runs, failing.id).toBe('failed');
    expect(runs.get(failing.id)).toMatchObject({ ended: { exitCode: 3 }, result: null });
  });

  test('are cancelled with all that they started; one that has ended is forgotten', async () => {
    const runs = await agent();
    const { id } = await begin(runs, 'sleep 300 & echo up >&2; wait');
    await expect.poll(async () => (await runs.log(id, 0)).bytes.length, { timeout: 20_000 }).toBe(3);
    expect((await runs.log(id, 0)).isWhole).toBe(false);
    expect(await runs.cancel(id)).toMatchObject({ ended: { state: 'cancelled' } });
    await runs.cancel(id);
    expect(() => runs.get(id)).toThrow(/no run/);
    expect(existsSync(join(root, id))).toBe(false);
  });

  test('are so many at once and no more', async () => {
    const runs = await agent();
    const first = await begin(runs, 'sleep 300');
    for (let more = 1; more < maxRunning; more++) await begin(runs, 'sleep 300');
    await expect(begin(runs, 'true')).rejects.toMatchObject({ code: 'KERUTA_ERR_RATE_LIMITED' });
    await runs.cancel(first.id);
    await begin(runs, 'sleep 300');
  });

  test('end with the agent that is stopped', async () => {
    const runs = await agent();
    const { id } = await begin(runs, 'trap "exit 9" TERM; echo up >&2; while :; do sleep 0.05; done');
    await expect.poll(async () => (await runs.log(id, 0)).bytes.length, { timeout: 20_000 }).toBe(3);
    await runs.close({ goesOn: false });
    expect(readOwnRuns(root)).toMatchObject([{ id, ended: { state: 'cancelled' } }]);
    expect((await agent()).get(id)).toMatchObject({ ended: { state: 'cancelled' } });
  });

  test('go on when their agent is gone, and the next one finds them, or their end', async () => {
    const gone = await agent();
    const gate = join(base, 'gate');
    const { id } = await begin(gone, `while [ ! -e ${gate} ]; do sleep 0.05; done; echo '{"success": 1}'`);
    const other = await begin(gone, 'sleep 300');
    // one that nobody has taken on yet is found for two seconds only
    for (const run of [id, other.id]) await expect.poll(() => existsSync(join(root, run, 'shim'))).toBe(true);
    await gone.close({ goesOn: true });
    const next = await agent();
    expect(next.get(id).ended).toBeNull();
    await next.cancel(other.id);
    writeFileSync(gate, '');
    await ended(next, id).toBe('completed');
    expect(next.get(id).result).toEqual({ success: 1 });
    // one that was written down and never begun
    const record = { ...readOwnRuns(root)[0]!, id: 'never', ended: null };
    mkdirSync(join(root, 'never'));
    writeOwnRun(join(root, 'never'), record);
    expect((await agent()).get('never').ended).toMatchObject({ state: 'failed', exitCode: null });
  });

  test('are kept for a day, and a hundred of them', async () => {
    const runs = await agent();
    const { id } = await begin(runs, 'true');
    await ended(runs, id).toBe('completed');
    const [record] = readOwnRuns(root);
    const add = (name: string, agoMs: number) => {
      mkdirSync(join(root, name));
      const at = Date.now() - agoMs;
      writeOwnRun(join(root, name), {
        ...record!,
        id: name,
        createdAt: at,
        ended: { ...record!.ended!, at },
      });
    };
    add('old', 25 * 3600 * 1000);
    for (let number = 0; number < 105; number++) add(`run-${number}`, 3_600_000 - number);
    const next = await agent();
    expect(next.list()).toHaveLength(100);
    expect(readdirSync(root)).toHaveLength(100);
    expect(readdirSync(root)).not.toContain('old');
    expect(readdirSync(root)).toContain(id);
  });
});
