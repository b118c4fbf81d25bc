import { expect, test } from 'vitest';
import type { AttemptReporter, TaskSource } from '../../../internal/api/task-source.ts';
import { DeniedError, type KerutaError, UnavailableError } from '../../../internal/domain/errors.ts';
import { AgentStatus } from '../../../internal/worker/agent-status.ts';
import { makeTokenGuard } from '../../../internal/worker/token-guard.ts';
import { watchedSource } from '../../../internal/worker/watched-source.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';

const { signal } = new AbortController();
const exit = { exitCode: 0, signal: null, reason: null, startedAt: 0, exitedAt: 0 };

/** A source that counts its calls and fails with `error` while there is one. */
function watched() {
  const world = { error: null as KerutaError | null, calls: [] as string[] };
  const call = async (name: string): Promise<never> => {
    world.calls.push(name);
    if (world.error !== null) throw world.error;
    return undefined as never;
  };
  const reporter = {
    renew: () => call('renew'),
    sendMessages: () => call('messages'),
    exited: () => call('exited'),
  } as unknown as AttemptReporter;
  const source = { claimNext: () => call('claim'), reporter: () => reporter } as unknown as TaskSource;
  const clock = new TestClock();
  const status = new AgentStatus(clock);
  const guard = makeTokenGuard(clock);
  const seen = watchedSource(source, { status, guard });
  const lanes = seen.reporter({} as never);
  const all = () =>
    Promise.allSettled([
      lanes.renew({ waitMs: 0, deliveredInputs: [] }, signal),
      lanes.sendMessages([], signal),
      lanes.exited(exit as never, signal),
    ]);
  return { world, clock, status, all, lanes };
}

test('of all calls with a token that the server does not know, one is made each half minute', async () => {
  const { world, clock, status, all, lanes } = watched();
  world.error = new DeniedError('KERUTA_ERR_UNAUTHENTICATED', 'revoked');
  await expect(lanes.sendMessages([], signal)).rejects.toBe(world.error);
  for (let second = 0; second < 120; second++) {
    clock.advance(1000);
    const ended = await all();
    expect(ended).toEqual(Array.from({ length: 3 }, () => ({ status: 'rejected', reason: world.error })));
  }
  expect(world.calls.length).toBeLessThanOrEqual(1 + 4);
  expect(status.apiFault).toBe('auth_failed');
  world.error = null;
  clock.advance(30_000);
  expect((await all()).map((ended) => ended.status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
  expect(status.apiFault).toBeNull();
});

test.each([
  ['a token that may not do this one thing', new DeniedError('KERUTA_ERR_FORBIDDEN', 'scope')],
  ['an API that is away', new UnavailableError('KERUTA_ERR_API_UNAVAILABLE', 'away')],
])('%s holds up nobody else', async (_what, error) => {
  const { world, all, lanes } = watched();
  world.error = error;
  await expect(lanes.sendMessages([], signal)).rejects.toBe(error);
  world.error = null;
  expect((await all()).map((ended) => ended.status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
});
