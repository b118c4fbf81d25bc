import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CommandContext } from '../../../cmd/keruta/command.ts';
import { type StartedServer, startServer } from '../../../cmd/keruta/roles/start-server.ts';
import { loadSettings } from '../../../internal/config/load-settings.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { type CliOptions, cli } from '../harness.ts';

let home = '';
let server: StartedServer;
const uid = process.getuid?.() ?? 0;
const env = { HOOK_SECRET: 'a-secret-of-more-than-thirty-two-bytes' };
const context = {
  clock: systemClock,
  random: systemRandom,
  uid,
  version: '9.9.9',
  env,
} as Partial<CommandContext>;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'keruta-trials-'));
  const sources = { env: { PORT: '0' }, isServer: true, home, uid, cwd: home };
  server = await startServer(context as CommandContext, loadSettings(sources).values, silentLog);
}, 60_000);
afterAll(async () => {
  await server.close();
  rmSync(home, { recursive: true, force: true });
});

const kerutaWith = (options: CliOptions, ...words: string[]) =>
  cli(words, { home, cwd: home, env: { KERUTA_API_URL: server.url }, ...options });
const keruta = (...words: string[]) => kerutaWith({}, ...words);

async function apply(name: string, text: string): Promise<void> {
  writeFileSync(join(home, `${name}.yaml`), `name: ${name}\nrun: echo hi\n${text}`);
  expect(await keruta('apply', '-f', `${name}.yaml`)).toMatchObject({ status: 0 });
}

const hook = `overlap: allow
triggers:
  - type: webhook
    path: deploy
    auth: { type: github, secretEnv: HOOK_SECRET }
    filter: $.ref == 'refs/heads/main'
    parameters: { ref: $.ref }
`;

test('a webhook is tried out, with a sample, a file and stdin, and is run when that is wished', async () => {
  await apply('shop', hook);
  expect(await keruta('trigger', 'test', 'shop')).toEqual({
    status: 0,
    out: `delivery       POST /webhook/deploy
event          push
parameter ref  refs/heads/main
signature      taken
shop/webhook   would run
`,
    err: '',
  });
  writeFileSync(join(home, 'other.json'), '{"ref":"refs/heads/dev"}');
  const other = await keruta('trigger', 'test', 'shop', '--body', 'other.json');
  expect(other).toMatchObject({ status: 1, out: expect.stringContaining('would be skipped: filtered') });
  const words = ['trigger', 'test', 'shop', '--body', '-', '--header', 'X-GitHub-Event: release', '--run'];
  const ran = await kerutaWith({ stdin: '{"ref":"refs/heads/main"}' }, ...words);
  expect(ran).toMatchObject({
    status: 0,
    out: expect.stringMatching(/event +release\n[\s\S]*runs: task [0-9a-f-]{36}\n$/),
  });
  const { out } = await keruta('trigger', 'history', 'shop', '--json');
  const [one, ...more] = JSON.parse(out) as { eventId: string; taskId: string }[];
  expect(more).toEqual([]);
  // what was kept is fired once more, by its id or its task's
  for (const id of [one?.eventId ?? '', one?.taskId ?? ''])
    expect(await keruta('trigger', 'replay', 'shop', id)).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^[0-9a-f-]{36}\n$/),
    });
  expect(await keruta('trigger', 'replay', 'shop', 'none')).toMatchObject({ status: 4 });
});

test.each([
  [['--header', 'nothing'], 2, '--header: expected NAME:VALUE'],
  [['--query', '=x'], 2, '--query: expected NAME=VALUE'],
  [['--body', 'none.json'], 4, 'none.json cannot be read (ENOENT)'],
])('trigger test %j is refused', async (words, status, message) => {
  const done = await keruta('trigger', 'test', 'shop', ...words);
  expect(done.status).toBe(status);
  expect(done.err).toContain(message);
});

test('what failed for good is listed and made anew', async () => {
  await apply('breaks', 'overlap: allow\ntriggers:\n  - type: manual\n');
  expect(await keruta('trigger', 'history', 'breaks', '--dead')).toMatchObject({
    status: 0,
    err: 'nothing failed for good\n',
  });
  expect(await keruta('trigger', 'redrive', 'breaks', '--all')).toMatchObject({
    status: 0,
    err: 'nothing is dead\n',
  });
  const id = (await keruta('trigger', 'fire', 'breaks', '--param', 'a=1')).out.trim();
  // a plain client tells its end
  const headers = { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ status: 'FAILED', message: 'it broke', errorCode: 'X' });
  const url = `${server.url}/api/v1/tasks/${id}/status`;
  expect((await fetch(url, { method: 'PUT', headers, body })).status).toBe(200);
  const { out } = await keruta('trigger', 'history', 'breaks', '--dead', '--json');
  expect(JSON.parse(out)).toMatchObject([{ taskId: id, decision: 'run' }]);
  const made = await keruta('trigger', 'redrive', 'breaks', id.slice(0, 8));
  expect(made.out).toMatch(new RegExp(`^${id.slice(0, 8)} → [0-9a-f-]{36}\\n$`));
  expect(await keruta('trigger', 'history', 'breaks', '--dead')).toMatchObject({ out: '' });
  expect(await keruta('trigger', 'redrive', 'breaks')).toMatchObject({ status: 2 });
});
