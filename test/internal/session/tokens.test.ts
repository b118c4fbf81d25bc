import { describe, expect, test } from 'vitest';
import { systemCaller } from '../../../internal/session/parts.ts';
import {
  createToken,
  ensureAdminToken,
  hashToken,
  listTokens,
  revokeToken,
} from '../../../internal/session/tokens.ts';
import { makePlainWorld } from './plain-world.ts';

describe('the admin token', () => {
  test('is made once, and its text is told once', async () => {
    const { parts } = await makePlainWorld();
    const token = await ensureAdminToken(parts);
    expect(token).toMatch(/^krt_adm_[\w-]{43}$/);
    expect(await ensureAdminToken(parts)).toBeNull();
    expect(await parts.store.tokenByHash(hashToken(token ?? ''))).toMatchObject({ scope: 'admin' });
    expect(await ensureAdminToken(parts, { fresh: true })).not.toBeNull();
  });

  test('that was revoked is followed by a new one', async () => {
    const { parts } = await makePlainWorld();
    await ensureAdminToken(parts);
    const [token] = await listTokens(parts);
    await revokeToken(parts, systemCaller, token?.id ?? '');
    expect(await ensureAdminToken(parts)).not.toBeNull();
  });

  test('that is given is registered, once', async () => {
    const { parts } = await makePlainWorld();
    expect(await ensureAdminToken(parts, { given: 'krt_adm_given' })).toBeNull();
    await ensureAdminToken(parts, { given: 'krt_adm_given' });
    expect(await listTokens(parts)).toHaveLength(1);
  });

  test('that is given is refused when it cannot stand in a header or was revoked', async () => {
    const { parts } = await makePlainWorld();
    for (const given of ['short', 'has a space in it', 'ends with\nnewline', '']) {
      await expect(ensureAdminToken(parts, { given })).rejects.toMatchObject({ code: 'KERUTA_ERR_CONFIG' });
    }
    await ensureAdminToken(parts, { given: 'krt_adm_given' });
    const [token] = await listTokens(parts);
    await revokeToken(parts, systemCaller, token?.id ?? '');
    const again = ensureAdminToken(parts, { given: 'krt_adm_given' });
    await expect(again).rejects.toMatchObject({ code: 'KERUTA_ERR_CONFIG' });
  });
});

describe('a token', () => {
  test('lasts as long as was asked for, leaves entries in the ledger, and its text is nowhere', async () => {
    const { parts, clock, sessionId } = await makePlainWorld();
    const wish = { scope: 'session', sessionId, name: 'ci', expiresInMs: 1_000 } as const;
    const { token, record } = await createToken(parts, systemCaller, wish);
    expect(record).toMatchObject({ sessionId, name: 'ci', expiresAt: clock.now() + 1_000 });
    await revokeToken(parts, systemCaller, record.id);
    const entries = await parts.store.ledger({}, { limit: 2 });
    expect(entries.map((entry) => entry.kind).sort()).toEqual(['token.create', 'token.revoke']);
    expect(JSON.stringify(entries)).not.toContain(token);
    expect(JSON.stringify(await listTokens(parts))).not.toContain(token);
  });
});
