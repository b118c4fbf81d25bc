/** A fresh directory with a local executor for each test of a suite; both are gone after it. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Executor } from '../../../internal/executor/executor.ts';
import { makeLocalExecutor } from '../../../internal/executor/local/local-executor.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { until } from './executor-contract.ts';

/** Where a test has its runs. */
export interface LocalPlace {
  readonly base: string;
  readonly executor: Executor;
}

/** Makes the place before each test. @returns the one of the test that runs */
export function useLocalPlace(): () => LocalPlace {
  let place: LocalPlace;
  beforeEach(() => {
    const base = mkdtempSync(join(tmpdir(), 'executor-'));
    const stateDirectory = join(base, 'executor');
    place = { base, executor: makeLocalExecutor({ clock: systemClock, stateDirectory }) };
  });
  afterEach(async () => {
    await place.executor.close();
    rmSync(place.base, { recursive: true, force: true, maxRetries: 5 });
  });
  return () => place;
}

/** Waits for a spare that can take a run. @returns its directory */
export function readySpare({ base }: LocalPlace): Promise<string> {
  const state = join(base, 'executor');
  return until(() => {
    const spares = readdirSync(state).filter((name) => name.startsWith('spare-'));
    const ready = spares.find((name) =>
      ['ready', 'stdout', 'stderr'].every((file) => existsSync(join(state, name, file))),
    );
    return ready === undefined ? null : join(state, ready);
  });
}
