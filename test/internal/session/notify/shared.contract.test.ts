import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { notifyDefaults } from '../../../../internal/domain/notification.ts';
import { announce } from '../../../../internal/session/notify/announce.ts';
import { startNotifications } from '../../../../internal/session/notify/notify-loop.ts';
import type { SessionParts } from '../../../../internal/session/parts.ts';
import { openPostgresStore } from '../../../../internal/store/postgres-store.ts';
import { systemClock } from '../../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../../pkg/log/log.ts';
import { systemRandom } from '../../../../pkg/random/random.ts';
import { newSchema, postgresUrl } from '../../../pkg/postgres/new-schema.ts';
import { KeptChannel } from './told-world.ts';

beforeAll(() => void postgresUrl());

test('four servers on one database send each of 200 messages once, although they hear of them at the same time', async () => {
  const { url, schema, remove } = await newSchema();
  onTestFinished(remove);
  const ops = new KeptChannel('ops');
  const stop = new AbortController();
  const servers: SessionParts[] = [];
  for (let n = 0; n < 4; n++) {
    const store = await openPostgresStore({ url, schema, clock: systemClock, log: silentLog });
    const parts: SessionParts = {
      ...{ store, blob: null as never, clock: systemClock, random: systemRandom, log: silentLog },
      notify: { channels: [ops], defaults: { ...notifyDefaults, to: ['ops'] }, publicUrl: null },
    };
    const loop = startNotifications(parts, stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await loop.ended;
      await store.close();
    });
    servers.push(parts);
  }
  const count = 200;
  const tell = async (parts: SessionParts, n: number) => {
    const now = await parts.store.now();
    const what = { event: 'failure', failures: 1 } as const;
    const news = { what, key: `k${n}`, workflow: null, task: null, now, session: 's', message: `m${n}` };
    await parts.store.transact((tx) => announce(tx, parts, news));
  };
  // each of them is told by two servers
  await Promise.all(
    Array.from({ length: count * 2 }, (_, n) => tell(servers[n % 4] ?? servers[0]!, n % count)),
  );
  const [first] = servers;
  const states = async () => {
    const all = await first!.store.notifications({}, { limit: 1000, offset: 0 });
    return { all: all.length, sent: all.filter(({ state }) => state === 'sent').length };
  };
  await expect.poll(states, { timeout: 60_000 }).toEqual({ all: count, sent: count });
  expect(ops.sent).toHaveLength(count);
  expect(new Set(ops.sent.map(({ words }) => words.message)).size).toBe(count);
}, 90_000);
