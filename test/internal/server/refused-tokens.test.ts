import { afterAll, beforeAll, expect, test } from 'vitest';
import { DeniedError } from '../../../internal/domain/errors.ts';
import { RefusedTokens } from '../../../internal/server/refused-tokens.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { type Log, silentLog } from '../../../pkg/log/log.ts';
import { startServer, type TestServer } from './start-server.ts';

const lines: [string, Readonly<Record<string, unknown>>][] = [];
const log: Log = { ...silentLog, warn: (message, fields = {}) => lines.push([message, fields]) };
let server: TestServer;
beforeAll(async () => {
  server = await startServer({ logger: log });
});
afterAll(() => server.close());

test('a token that is not good is told with its address, not with itself', async () => {
  lines.length = 0;
  const secret = 'krt_ses_0123456789';
  const answer = await server.call('GET', 'sessions', undefined, { authorization: `Bearer ${secret}` });
  expect(answer.status).toBe(401);
  expect(lines).toEqual([
    [
      'a token was refused',
      {
        ...{ address: '127.0.0.1', route: '/api/v1/sessions', times: 1 },
        reason: expect.stringContaining('not one of this server'),
      },
    ],
  ]);
  expect(JSON.stringify(lines)).not.toContain(secret);
});

test('who sends no token, or one that may not do this, is not told', async () => {
  const { body } = await server.call('POST', 'tokens', { scope: 'read-only' });
  lines.length = 0;
  expect((await fetch(`${server.url}/api/v1/sessions`)).status).toBe(401);
  const by = { authorization: `Bearer ${body.token}` };
  expect((await server.call('POST', 'sessions', { name: 'x' }, by)).status).toBe(403);
  expect(lines).toEqual([]);
});

test('an address has one line a minute, which counts what came since', () => {
  lines.length = 0;
  const clock = new TestClock();
  const refused = new RefusedTokens(log, clock);
  const error = new DeniedError('KERUTA_ERR_UNAUTHENTICATED', 'why');
  const note = (address: string) => refused.note(error, { address, route: '/' });
  for (let n = 0; n < 5; n++) note('10.0.0.1');
  note('10.0.0.2');
  expect(lines.map(([, { address, times }]) => [address, times])).toEqual([
    ['10.0.0.1', 1],
    ['10.0.0.2', 1],
  ]);
  clock.advance(60_000);
  note('10.0.0.1');
  expect(lines.at(-1)?.[1]).toMatchObject({ address: '10.0.0.1', times: 5 });
});
