import { expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';
import { inject } from './injections.ts';
import { startServer } from './start-server.ts';

test('S-61: on PostgreSQL no text in the place of any parameter is a command to the store', async () => {
  const { url, schema, remove } = await newSchema();
  onTestFinished(remove);
  const store = await openPostgresStore({ url, schema, clock: systemClock, log: silentLog });
  onTestFinished(() => store.close());
  const rates = { adminRequestsPerSecond: 1_000_000, sessionRequestsPerSecond: 1_000_000 };
  const server = await startServer({ limits: rates, parts: { store } });
  onTestFinished(() => server.close());
  const { sent, wrong, before, after } = await inject(server, ['sql', 'nul']);
  expect(wrong).toEqual([]);
  expect(after).toEqual(before);
  expect(sent).toBeGreaterThan(2_000);
}, 300_000);
