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
  'F-75: two servers that look at the same triggers at the same time make one occurrence and one task of each instant and delivery',
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

test(
  'a rule that is changed through one server while another fires never fires beside the one that takes its place',
  async () => {
    const pick = makeRandomOf(seed);
    const [first, second] = [await server(), await server()];
    const anchor = new Date(begin).toISOString();
    const both = { anchor, catchUp: 'all', overlap: 'allow' };
    const apply = async (everySeconds: number) => {
      const triggers = [
        { type: 'interval', name: 'changed', every: `${everySeconds}s`, ...both },
        { type: 'interval', name: 'left', every: '10s', ...both },
      ];
      const value = { name: 'changing', run: 'true', triggers };
      const { workflow, triggers: made } = await applyWorkflow(first, {
        ...{ caller: systemCaller, owner: 'api', value },
      });
      return { version: workflow.version, idOf: new Map(made.map(({ name, id }) => [name, id])) };
    };
    const onGrid = (from: number, to: number, everySeconds: number) =>
      Array.from({ length: to - from }, (_, n) => from + 1 + n).filter(
        (at) => (at - begin) % (everySeconds * 1000) === 0,
      );
    const pause = () => new Promise<void>((resolve) => setTimeout(resolve, pick(20)));
    let every = 7;
    const { idOf } = await apply(every);
    const start = now;
    // of each stretch of time: what its rule would fire
    const stretches: { version: number; instants: number[] }[] = [];
    for (let round = 1; round <= rounds; round++) {
      const from = now;
      now += 5_000 + pick(20_000);
      stretches.push({ version: round, instants: onGrid(from, now, every) });
      every = every === 7 ? 11 : 7;
      await Promise.all([
        pause().then(() => apply(every)),
        pause().then(() => tick(second, never)),
        pause().then(() => tick(first, never)),
      ]);
    }
    await tick(second, never);
    const firedBy = async (name: string) => {
      const of = { triggerId: idOf.get(name) ?? '' };
      const all = await first.store.occurrences(of, { limit: 1_000_000, offset: 0 });
      return all.toSorted((a, b) => a.nominalAt - b.nominalAt);
    };
    const changed = await firedBy('changed');
    for (const { version, instants } of stretches) {
      const own = changed.filter(({ workflowVersion }) => workflowVersion === version);
      // before it was changed, or not at all
      const fired = own.length === 0 ? [] : instants;
      expect({ seed, version, own: own.map(({ nominalAt }) => nominalAt) }).toEqual({
        ...{ seed, version, own: fired },
      });
    }
    expect(changed.every(({ workflowVersion }) => workflowVersion <= rounds)).toBe(true);
    // what is left as it is misses nothing by it
    const left = await firedBy('left');
    expect(left.map(({ nominalAt }) => nominalAt)).toEqual(onGrid(start, now, 10));
    const session = await first.store.sessionByName('changing');
    const tasks = await first.store.tasks({ sessionId: session?.id ?? '' }, 'queue');
    const runs = [...changed, ...left].map(({ taskId }) => taskId ?? '');
    expect(tasks.map(({ id }) => id).toSorted()).toEqual(runs.toSorted());
  },
  isFull ? 1_800_000 : 120_000,
);
