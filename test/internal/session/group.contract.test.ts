import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BlobStore } from '../../../internal/blob/blob.ts';
import { claim } from '../../../internal/session/claim.ts';
import { createSession } from '../../../internal/session/create-session.ts';
import type { SessionParts } from '../../../internal/session/parts.ts';
import { submitTask } from '../../../internal/session/submit.ts';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';
import { caller, never } from './claims-world.ts';

let place: Awaited<ReturnType<typeof newSchema>>;
const servers: SessionParts[] = [];

beforeEach(async () => {
  place = await newSchema();
  for (let n = 0; n < 2; n++) {
    const { url, schema } = place;
    const store = await openPostgresStore({ url, schema, clock: systemClock, log: silentLog });
    // a claim touches no bytes
    const blob = {} as BlobStore;
    servers.push({ store, blob, clock: systemClock, random: systemRandom, log: silentLog });
  }
});
afterEach(async () => {
  for (const { store } of servers.splice(0)) await store.close();
  await place.remove();
});

test('two servers never let more tasks of a group run than its limit', async () => {
  const [one] = servers as [SessionParts];
  const sessions = [];
  for (let n = 0; n < 12; n++) {
    const { id } = await createSession(one, caller, { name: `s${n}` });
    sessions.push(id);
    await submitTask(one, caller, {
      sessionId: id,
      name: 't',
      script: 'true',
      concurrency: { group: 'g', limit: 3 },
    });
  }
  const claims = await Promise.all(
    sessions.map((sessionId, n) => {
      const agent = { hostname: 'h', version: '1' };
      const request = { agentId: `agent-${n}`, claimId: `c-${n}`, waitMs: 0, agent };
      return claim(servers[n % 2] ?? one, { caller, sessionId, request, signal: never });
    }),
  );
  expect(claims.filter((each) => each.claim !== null)).toHaveLength(3);
  expect(await one.store.groupLoad('g', 0)).toBe(3);
});
