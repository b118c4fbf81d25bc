import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CommandContext } from '../../../cmd/keruta/command.ts';
import { jobLines } from '../../../cmd/keruta/roles/daemon-jobs.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { useServer } from '../server-in-home.ts';

const place = useServer();
const keruta = (...words: string[]) =>
  place.keruta(words, {
    env: { KERUTA_API_TOKEN: place.server.token ?? '', KERUTA_BASE_DIR: join(place.home, 'base') },
  });

test('the status of an agent that is not there tells no jobs', async () => {
  expect(await keruta('daemon', 'status')).toMatchObject({ status: 4, out: 'no agent runs\n' });
});

test('scheduled jobs, webhooks, watchers and last errors are told, and why they are not', () => {
  const job = (name: string, type: string, next: string | null) => ({
    name,
    type,
    state: 'awake' as const,
    next,
  });
  const held = { ...job('held', 'cron', null), state: 'held' as const };
  const lines = jobLines({
    scheduled: [job('report', 'cron', '2026-01-01T09:00:00.000Z'), held],
    webhooks: [job('push', 'github', null)],
    watchers: [],
    errors: [{ taskId: 't', name: 'report', at: '2026-01-01T00:00:00.000Z', message: 'exit 1' }],
  });
  expect(lines).toEqual([
    ...['', 'scheduled jobs: 2', '  - report (next: 2026-01-01T09:00:00.000Z)', '  - held (held)'],
    ...['', 'webhooks: 1', '  - push (github)'],
    ...['', 'last errors:', '  - 2026-01-01T00:00:00.000Z report (t): exit 1'],
  ]);
  expect(jobLines('no token')).toEqual(['', 'scheduled jobs: not known (no token)']);
});

test('only the jobs of the session are told', async () => {
  const { jobsOfSession } = await import('../../../cmd/keruta/roles/daemon-jobs.ts');
  const { makeApiClient } = await import('../../../internal/api/client/client.ts');
  const { makeHttp } = await import('../../../pkg/http/http.ts');
  for (const name of ['mine', 'other'])
    writeFileSync(
      join(place.home, `${name}.yaml`),
      `name: ${name}\nrun: "true"\ntriggers:\n  - type: cron\n    expression: "@yearly"\n`,
    );
  expect(await keruta('apply', '-f', 'mine.yaml', '-f', 'other.yaml')).toMatchObject({ status: 0 });
  const http = makeHttp({ userAgent: 'test', connectMs: 5_000, headersMs: 5_000, stallMs: 5_000 });
  const parts = { http, baseUrl: place.server.url, clock: systemClock, random: systemRandom, log: silentLog };
  const client = (token: string | null) => makeApiClient({ ...parts, token: () => token });
  const context = (token: string | null) =>
    ({
      makeClient: async () => client(token),
      signal: new AbortController().signal,
    }) as unknown as CommandContext;
  const sessions = await client(place.server.token).sessions.list();
  const id = sessions.find(({ name }) => name === 'mine')?.id ?? '';
  expect(await jobsOfSession(context(place.server.token), id)).toMatchObject({
    scheduled: [{ name: 'mine', type: 'cron', state: 'awake', next: expect.stringMatching(/-01-01T00:00/) }],
    ...{ webhooks: [], watchers: [], errors: [] },
  });
  expect(await jobsOfSession(context('krt_nobody'), id)).toContain('401');
  await http.close();
});
