import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDocument, listDocuments } from '../../../internal/session/documents.ts';
import { type SessionParts, systemCaller } from '../../../internal/session/parts.ts';
import { createToken, listTokens } from '../../../internal/session/tokens.ts';
import { openServers } from './postgres-servers.ts';

let opened: Awaited<ReturnType<typeof openServers>>;
let servers: readonly [SessionParts, SessionParts];
beforeAll(async () => {
  opened = await openServers();
  servers = opened.servers;
});
afterAll(() => opened.close());

/** Asks both servers at once, five times each. */
const atOnce = <T>(ask: (parts: SessionParts) => Promise<T>) =>
  Promise.allSettled(Array.from({ length: 5 }, () => servers.map(ask)).flat());

test('two servers that are asked at once under one key make one thing', async () => {
  const [one] = servers;
  const wish = { title: 't', content: 'c' };
  const answers = await atOnce((parts) => createDocument(parts, systemCaller, wish, { key: 'k' }));
  const [document, ...others] = await listDocuments(one, systemCaller, {});
  expect(others).toEqual([]);
  expect(answers).toEqual(answers.map(() => ({ status: 'fulfilled', value: document })));
});

test('two servers that are asked at once for a token under one key tell one text', async () => {
  const [one] = servers;
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
