import { ensureAdminToken, hashToken } from '../../../internal/session/tokens.ts';
import { makeTask } from './claims-client.ts';
import { adminToken, type TestServer } from './start-server.ts';

/** What must be nowhere in a store, and what shows that one has looked at the right place. */
export interface Minted {
  /** texts of tokens, and what stands behind their prefix */
  readonly secrets: readonly string[];
  /** in the same order: what is kept in place of each token */
  readonly hashes: readonly string[];
}

/** Has a server make a token of each kind, in each way there is, and uses, names and revokes them. */
export async function mintOfEachKind(server: TestServer): Promise<Minted> {
  const { session, task, claim } = await makeTask(server);
  const { attempt } = await claim();
  const mint = async (wish: object, headers = {}) =>
    (await server.call('POST', 'tokens', { name: 'n', ...wish }, headers)).body;
  const keyed = { 'idempotency-key': 'k' };
  const made = [
    await mint({ scope: 'admin' }),
    await mint({ scope: 'session', sessionId: session.id, role: 'lead', expiresInSeconds: 60 }),
    await mint({ scope: 'read-only' }, keyed),
  ];
  await mint({ scope: 'read-only' }, keyed);
  const fresh = (await ensureAdminToken(server.parts, { fresh: true })) ?? '';
  const tokens = [adminToken, attempt.token, fresh, ...made.map(({ token }) => token)];
  for (const token of tokens) {
    const by = { authorization: `Bearer ${token}` };
    await server.call('POST', `tasks/${task.id}/logs`, { level: 'INFO', message: `it is ${token}` }, by);
    await server.call('GET', 'sessions', undefined, by);
  }
  await server.call('DELETE', `tokens/${made[0].id}`);
  const randoms = tokens.map((token) => token.replace(/^krt_[a-z]+_/, ''));
  return { secrets: [...tokens, ...randoms], hashes: tokens.map(hashToken) };
}
