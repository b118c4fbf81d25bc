import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { fireTogether } from '../../../internal/session/fire-together.ts';
import { type SessionParts, systemCaller } from '../../../internal/session/parts.ts';
import { setStatus } from '../../../internal/session/set-status.ts';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';

const replicaCount = 4;
const count = process.env.KERUTA_SOAK === 'full' ? 1000 : 50;

let place: Awaited<ReturnType<typeof newSchema>>;
const replicas: SessionParts[] = [];

beforeAll(async () => {
  place = await newSchema();
  const { url, schema } = place;
  for (let n = 0; n < replicaCount; n++) {
    const store = await openPostgresStore({ url, schema, clock: systemClock, log: silentLog });
    const limits = { maxTasksPerMinute: 1_000_000, maxPendingTasks: 1_000_000 };
    const blob = null as never;
    replicas.push({ store, blob, clock: systemClock, random: systemRandom, log: silentLog, ...limits });
  }
});
afterAll(async () => {
  for (const { store } of replicas) await store.close();
  await place.remove();
});

const first = () => replicas[0] as SessionParts;

/** Makes a workflow. @returns the id of its trigger */
async function workflow(name: string, policy: object): Promise<string> {
  const value = { name, run: 'true', overlap: 'allow', policy };
  const applied = await applyWorkflow(first(), { caller: systemCaller, owner: 'api', value });
  return applied.triggers.find(({ type }) => type === 'manual')?.id ?? '';
}

/** Fires on all replicas at once, as servers do. @returns the tasks that were made */
async function storm(triggerId: string, events: number): Promise<string[]> {
  const fired = await Promise.all(
    Array.from({ length: events }, (_, n) => {
      const event = { triggerId, source: 'webhook' as const, key: `k${n}-${systemRandom.uuid4()}` };
      return fireTogether(replicas[n % replicaCount] as SessionParts, { ...event, kind: '', data: {} });
    }),
  );
  return fired.flatMap(({ occurrence }) => occurrence.taskId ?? []);
}

test('F-89: of many simultaneous events on four replicas exactly as many run as the limit of the day', async () => {
  const triggerId = await workflow('daily', { maxRunsPerDay: 10 });
  expect(await storm(triggerId, count)).toHaveLength(10);
  expect(await storm(triggerId, replicaCount)).toEqual([]);
}, 120_000);

test('F-89: concurrent starts never let what is spent and reserved pass the limit', async () => {
  const triggerId = await workflow('paid', { maxCostPerDay: '1.00', costEstimate: '0.15' });
  expect(await storm(triggerId, count)).toHaveLength(6);
}, 120_000);

test('F-89: of four replicas one gets the probe of a breaker that is half open', async () => {
  const triggerId = await workflow('fragile', { breaker: { consecutiveFailures: 2, coolOff: '1ms' } });
  for (let n = 0; n < 2; n++)
    for (const taskId of await storm(triggerId, 1))
      await setStatus(first(), { caller: systemCaller, taskId }, { status: 'FAILED' });
  await systemClock.sleep(5);
  expect(await storm(triggerId, 4 * replicaCount)).toHaveLength(1);
}, 120_000);
