import { expect, onTestFinished, test } from 'vitest';
import { inject, injections } from './injections.ts';
import { startServer } from './start-server.ts';

test('S-61: no text in the place of any parameter of any route is a command to anything, shows or changes what somebody else has', async () => {
  const rates = { adminRequestsPerSecond: 1_000_000, sessionRequestsPerSecond: 1_000_000 };
  const server = await startServer({ limits: rates });
  onTestFinished(() => server.close());
  const { sent, wrong, before, after } = await inject(server, Object.keys(injections));
  expect(wrong).toEqual([]);
  expect(after).toEqual(before);
  expect(sent).toBeGreaterThan(5_000);
}, 300_000);
