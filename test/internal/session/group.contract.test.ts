import { afterEach, beforeEach, expect, test } from 'vitest';
import { claim } from '../../../internal/session/claim.ts';
import { createSession } from '../../../internal/session/create-session.ts';
import type { SessionParts } from '../../../internal/session/parts.ts';
import { submitTask } from '../../../internal/session/submit.ts';
import { caller, never } from './claims-world.ts';
import { openServers } from './postgres-servers.ts';

let opened: Awaited<ReturnType<typeof openServers>>;
let servers: readonly [SessionParts, SessionParts];
beforeEach(async () => {
  opened = await openServers();
  servers = opened.servers;
});
afterEach(() => opened.close());

test('two servers never let more tasks of a group run than its limit', async () => {
  const [one] = servers;
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
