/** Tokens and agents: who may speak here, and who does. */
import { z } from 'zod';
import { newTokenBody } from '../../api/requests.ts';
import { agentShape, tokenShape } from '../../api/shapes.ts';
import { maySeeSession } from '../../session/authorize.ts';
import { createToken, listTokens, revokeToken } from '../../session/tokens.ts';
import { toAgentWire, toTokenWire } from '../../session/wire.ts';
import { readIdempotencyKey } from '../idempotency-key.ts';
import { admins, type Route, readers, route } from '../route.ts';
import { idPath } from './path.ts';

const tag = 'tokens';

/** Routes of `/api/v1/tokens` and `/api/v1/agents`. */
export const tokenRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/tokens',
    access: admins,
    summary:
      'Makes a token; its text is in this answer and nowhere else. An Idempotency-Key header that made one before is answered with 409, which names it.',
    tag,
    body: newTokenBody,
    answers: { 201: tokenShape.extend({ token: z.string() }) },
    handle: async ({ body, caller, headers }, parts) => {
      const key = readIdempotencyKey(headers);
      const { expiresInSeconds, ...rest } = body;
      const wish = {
        ...rest,
        sessionId: rest.sessionId ?? null,
        name: rest.name ?? null,
        role: rest.role ?? null,
      };
      const expiresInMs = expiresInSeconds ? expiresInSeconds * 1000 : null;
      const minted = await createToken(parts, caller, { ...wish, expiresInMs }, { key });
      const uncached = { 'cache-control': 'no-store' };
      return { status: 201, headers: uncached, body: { token: minted.token, ...toTokenWire(minted.record) } };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/tokens',
    access: admins,
    summary: 'Lists tokens without their text, newest first; those of runs are left out.',
    tag,
    answers: { 200: z.array(tokenShape) },
    handle: async (_request, parts) => ({ status: 200, body: (await listTokens(parts)).map(toTokenWire) }),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/tokens/:id',
    access: admins,
    summary: 'Revokes a token; within 5 s it is refused everywhere.',
    tag,
    params: idPath,
    answers: { 200: tokenShape },
    handle: async ({ params, caller }, parts) => ({
      status: 200,
      body: toTokenWire(await revokeToken(parts, caller, params.id)),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/agents',
    access: readers,
    summary: 'Lists the agents that were seen, last seen first.',
    tag: 'agents',
    answers: { 200: z.array(agentShape) },
    handle: async ({ caller }, parts) => {
      const now = await parts.store.now();
      const agents = (await parts.store.agents()).filter((agent) => maySeeSession(caller, agent.sessionId));
      return { status: 200, body: agents.map((agent) => toAgentWire(agent, now)) };
    },
  }),
];
