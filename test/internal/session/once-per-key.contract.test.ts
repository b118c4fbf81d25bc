import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BlobStore } from '../../../internal/blob/blob.ts';
import { createDocument, listDocuments } from '../../../internal/session/documents.ts';
import { type SessionParts, systemCaller } from '../../../internal/session/parts.ts';
import { createToken, listTokens } from '../../../internal/session/tokens.ts';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';

let place: Awaited<ReturnType<typeof newSchema>>;
const servers: SessionParts[] = [];

beforeAll(async () => {
  place = await newSchema();
  for (let n = 0; n < 2; n++) {
    const { url, schema } = place;
    const store = await openPostgresStore({ url, schema, clock: systemClock, log: silentLog });
    // nothing here has bytes
    const blob = {} as BlobStore;
    servers.push({ store, blob, clock: systemClock, random: systemRandom, log: silentLog });
  }
});
afterAll(async () => {
  for (const { store } of servers.splice(0)) await store.close();
  await place.remove();
});

/** Asks both servers at once, five times each. */
const atOnce = <T>(ask: (parts: SessionParts) => Promise<T>) =>
  Promise.allSettled(Array.from({ length: 5 }, () => servers.map(ask)).flat());

test('two servers that are asked at once under one key make one thing', async () => {
  const [one] = servers as [SessionParts];
  const wish = { title: 't', content: 'c' };
  const answers = await atOnce((parts) => createDocument(parts, systemCaller, wish, { key: 'k' }));
  const [document, ...others] = await listDocuments(one, systemCaller, {});
  expect(others).toEqual([]);
  expect(answers).toEqual(answers.map(() => ({ status: 'fulfilled', value: document })));
});

test('two servers that are asked at once for a token under one key tell one text', async () => {
  const [one] = servers as [SessionParts];
  const answers = await atOnce((parts) =>
    createToken(parts, systemCaller, { scope: 'read-only' }, { key: 'k' }),
  );
  const [record, ...others] = await listTokens(one);
  expect(others).toEqual([]);
  const told = answers.filter((answer) => answer.status === 'fulfilled');
  expect(told.map(({ value }) => value.record)).toEqual([record]);
  const refused = answers.filter((answer) => answer.status === 'rejected');
  expect(refused.map(({ reason }) => reason.code)).toEqual(
    Array.from({ length: 9 }, () => 'KERUTA_ERR_IDEMPOTENCY'),
  );
});
