import { expect, onTestFinished, test } from 'vitest';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { type SessionParts, systemCaller } from '../../../internal/session/parts.ts';
import { startTriggers } from '../../../internal/session/trigger-loop.ts';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';

test('servers whose clocks are five minutes early and late fire by the clock of the database, each instant once, and say that theirs are wrong', async () => {
  const { url, schema, remove } = await newSchema();
  onTestFinished(remove);
  const stopping = new AbortController();
  const open = async (aheadMs: number) => {
    const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
    const store = await openPostgresStore({ url, schema, clock, log: silentLog });
    const parts: SessionParts = { store, blob: null as never, clock, random: systemRandom, log: silentLog };
    return { store, parts };
  };
  const servers = [await open(-300_000), await open(300_000)];
  const [first] = servers;
  if (first === undefined) throw new Error('two');
  const triggers = [{ type: 'interval', every: '1s', anchor: '2026-01-01T00:00:00Z', catchUp: 'all' }];
  const value = { name: 'w', run: 'true', overlap: 'allow', triggers };
  await applyWorkflow(first.parts, { caller: systemCaller, owner: 'api', value });
  const loops = servers.map(({ parts }) => startTriggers(parts, stopping.signal));
  const all = () => first.store.occurrences({}, { limit: 1000, offset: 0 });
  const doubts = () => loops.flatMap((loop) => loop.doubts());
  // what a query takes is a part of what is told: it is right to the second where that is quick
  let said: readonly string[] = [];
  const isTold = () => said[0]?.includes('300 s behind') && said[1]?.includes('300 s ahead of');
  while ((await all()).length < 4 || !isTold()) {
    await systemClock.sleep(50);
    said = doubts();
  }
  stopping.abort();
  await Promise.all(loops.map(({ ended }) => ended));
  const fired = (await all()).map(({ nominalAt, decidedAt }) => ({ nominalAt, decidedAt }));
  for (const { nominalAt, decidedAt } of fired) {
    // not before its time, which a clock that is early would take it for
    expect(decidedAt).toBeGreaterThanOrEqual(nominalAt);
    // nor minutes later
    expect(decidedAt - nominalAt).toBeLessThan(120_000);
  }
  const instants = fired.map(({ nominalAt }) => nominalAt).toSorted((a, b) => a - b);
  expect(instants).toEqual(instants.map((_, n) => (instants[0] ?? 0) + n * 1000));
  expect(said).toEqual([expect.stringContaining('300 s behind'), expect.stringContaining('300 s ahead of')]);
  for (const { store } of servers) await store.close();
}, 120_000);
