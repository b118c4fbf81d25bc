import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { fireEvent } from '../../../internal/session/fire-event.ts';
import { type SessionParts, systemCaller } from '../../../internal/session/parts.ts';
import { tick } from '../../../internal/session/tick.ts';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import type { Store } from '../../../internal/store/store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';
import { makeRandomOf } from '../trigger/cron/random-of.ts';

const isFull = process.env.KERUTA_SOAK === 'full';
const [rounds, triggerCount] = isFull ? [600, 20] : [30, 5];
const never = new AbortController().signal;
const begin = Date.UTC(2026, 0, 1);
const seed = 20261121;

let place: Awaited<ReturnType<typeof newSchema>>;
const stores: Store[] = [];
/** what both take for the time of the database */
let now = begin;

/** A server: its own connections, the common clock. */
async function server(): Promise<SessionParts> {
  const { url, schema } = place;
  const store = await openPostgresStore({ url, schema, clock: systemClock, log: silentLog });
  stores.push(store);
  const told = new Proxy(store, {
    get: (target, name) => {
      if (name === 'now') return async () => now;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const blob = null as never;
  const limits = { maxTasksPerMinute: 1_000_000, maxPendingTasks: 1_000_000 };
  return { store: told, blob, clock: systemClock, random: systemRandom, log: silentLog, ...limits };
}

beforeAll(async () => {
  place = await newSchema();
});
afterAll(async () => {
  for (const store of stores) await store.close();
  await place.remove();
});

test(
  'two servers that look at the same triggers at the same time make one occurrence and one task of each instant and delivery',
  async () => {
    const pick = makeRandomOf(seed);
    const servers = [await server(), await server()];
    const [first] = servers;
    if (first === undefined) throw new Error('two');
    const triggers = Array.from({ length: triggerCount }, (_, n) => ({
      ...{ type: 'interval', name: `t${n}`, every: '10s', anchor: new Date(begin).toISOString() },
      ...{ catchUp: 'all', overlap: 'allow' },
    }));
    const value = { name: 'w', run: 'true', overlap: 'allow', triggers };
    const { triggers: made } = await applyWorkflow(first, { caller: systemCaller, owner: 'api', value });
    const manual = made.find(({ type }) => type === 'manual');
    const pause = () => new Promise<void>((resolve) => setTimeout(resolve, pick(6)));
    for (let round = 0; round < rounds; round++) {
      now += 1 + pick(25_000);
      const event = {
        triggerId: manual?.id ?? '',
        source: 'webhook',
        key: `delivery:${round}`,
        kind: '',
        data: {},
      } as const;
      await Promise.all(
        servers.map(async (parts) => {
          await pause();
          await tick(parts, never);
          await pause();
          await fireEvent(parts, event);
        }),
      );
    }
    // what one left to the other is decided now
    await tick(first, never);
    const all = await first.store.occurrences({}, { limit: 1_000_000, offset: 0 });
    const expected = Array.from(
      { length: Math.floor((now - begin) / 10_000) },
      (_, n) => begin + (n + 1) * 10_000,
    );
    for (const { id, name } of made.filter(({ type }) => type === 'interval')) {
      const own = all.filter(({ triggerId }) => triggerId === id).map(({ nominalAt }) => nominalAt);
      expect({ seed, name, own: own.toSorted((a, b) => a - b) }).toEqual({ seed, name, own: expected });
    }
    expect(all.filter(({ triggerId }) => triggerId === manual?.id)).toHaveLength(rounds);
    const session = await first.store.sessionByName('w');
    const tasks = await first.store.tasks({ sessionId: session?.id ?? '' }, 'queue');
    expect(tasks.map(({ id }) => id).toSorted()).toEqual(all.map(({ taskId }) => taskId ?? '').toSorted());
  },
  isFull ? 1_800_000 : 120_000,
);
