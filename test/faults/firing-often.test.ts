import { expect, test } from 'vitest';
import { findPrograms } from './lab/cluster.ts';
import { fireOnPostgres } from './lab/fire-under-trouble.ts';
import { everySeconds, type FiringPlan } from './lab/firing.ts';
import { isFull, seed } from './lab/rounds.ts';

/** Triggers of one to three seconds. */
const often: FiringPlan = {
  ...{ timed: 300, gridsMs: [1_000, 2_000, 3_000], deliveries: 600, overMs: 60_000, isPaused: false },
  trigger: everySeconds,
};

if (isFull && findPrograms() !== null)
  test(`J-03: of four servers on one PostgreSQL, of which some are killed, none leaves out or doubles a fire of 300 triggers of one to three seconds, and 99 of 100 come within a second (seed ${seed})`, async ({
    onTestFinished,
  }) => {
    const { kills, p99Ms } = await fireOnPostgres(onTestFinished, { row: 'J-03', count: 4, plan: often });
    expect(kills).toBeGreaterThanOrEqual(4);
    expect(p99Ms).toBeLessThan(1_000);
  });
