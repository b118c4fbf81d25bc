import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pause, until } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { inLanes, rounds, tally } from './lab/rounds.ts';

/** A. The agent's own process. */
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open('agent');
});
afterAll(() => lab.close());

test('F-01: an agent killed at a random instant, again and again, loses nothing and runs nothing twice', async () => {
  const count = rounds(6, 200);
  const lines = 3000;
  let [compared, worstMs] = [0, 0];
  await inLanes({ count, lanes: rounds(1, 4) }, async ({ round, random }) => {
    const session = await lab.place.session(`f01 ${round}`);
    const ledger = await lab.ledger(session, { lines, pauseSeconds: 0.02 });
    for (let kills = 0; kills < 2; kills++) {
      const agent = await lab.agent(session);
      await pause(random() * 900);
      await agent.stop('SIGKILL');
    }
    const before = Date.now();
    const last = await lab.agent(session);
    worstMs = Math.max(worstMs, Date.now() - before);
    await lab.check(ledger);
    compared += 2 * lines;
    await last.stop('SIGKILL');
  });
  expect(worstMs).toBeLessThan(10_000);
  tally({ row: 'F-01', rounds: count, lines: compared, note: `worst time to adopt ${worstMs} ms` });
});

describe('an agent that dies at a narrow place', () => {
  test.each([
    ['F-02', 'after_claim'],
    ['F-02', 'before_spawn'],
    ['F-03', 'after_exit'],
    ['F-03', 'before_final'],
    ['F-40', 'after_ack'],
    ['F-01', 'mid_segment'],
  ])('%s: %s: the next one brings the task to its true end, run once', async (row, failpoint) => {
    const session = await lab.place.session(`${row} ${failpoint}`);
    const ledger = await lab.ledger(session, { lines: 500, pauseSeconds: 0.01 });
    const dying = await lab.agent(session, { failpoint: `${failpoint}:kill` });
    expect(await dying.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(dying.stderr()).toContain(`failpoint ${failpoint}: kill`);
    const next = await lab.agent(session);
    await lab.check(ledger);
    await next.stop('SIGKILL');
    tally({ row, rounds: 1, lines: 1000, note: failpoint });
  });

  test('F-108: in the middle of an artifact: it arrives once, whole', async () => {
    const session = await lab.place.session('f108');
    const id = await lab.submit(
      session,
      'head -c 20000000 /dev/urandom > "$KERUTA_ARTIFACTS_DIR/big"; sha256sum < "$KERUTA_ARTIFACTS_DIR/big"',
    );
    const dying = await lab.agent(session, { failpoint: 'mid_artifact:kill@3' });
    expect(await dying.ended).toMatchObject({ signal: 'SIGKILL' });
    const next = await lab.agent(session);
    await lab.place.whole(id);
    const artifacts = await lab.place.artifacts(id);
    expect(artifacts).toMatchObject([{ path: 'big', size: 20_000_000 }]);
    expect(await lab.place.logs(id, 'stdout')).toContain(artifacts[0]?.sha256);
    await next.stop('SIGKILL');
    tally({ row: 'F-108', rounds: 1 });
  });
});

test('F-12: an agent that crashes at each of twenty starts leaves everything for the one that does not', async () => {
  const session = await lab.place.session('f12');
  const ledger = await lab.ledger(session, { lines: 2000, pauseSeconds: 0.05 });
  const first = await lab.agent(session);
  await until('it runs', async () => (await lab.place.logs(ledger.id)).length > 500);
  await first.stop('SIGKILL');
  for (let crash = 0; crash < rounds(4, 20); crash++) {
    // the second place is for a slow machine, on which everything may have been sent by now
    const crashing = await lab.agent(session, { failpoint: 'mid_segment:kill,before_final:kill' });
    await crashing.ended;
  }
  const last = await lab.agent(session);
  await lab.check(ledger);
  await last.stop('SIGKILL');
  tally({ row: 'F-12', rounds: rounds(4, 20), lines: 4000 });
});
