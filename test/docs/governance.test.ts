import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CommandContext } from '../../cmd/keruta/command.ts';
import { defaultParts } from '../../cmd/keruta/roles/default-parts.ts';
import { type StartedServer, startServer } from '../../cmd/keruta/roles/start-server.ts';
import { loadSettings } from '../../internal/config/load-settings.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { silentLog } from '../../pkg/log/log.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import { cli } from '../cmd/harness.ts';

const guide = readFileSync(resolve(import.meta.dirname, '../../docs/governance.md'), 'utf8');
const blocks = (language: string) =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(
    (match) => match[1] ?? '',
  );
const commands = blocks('console')
  .flatMap((block) => block.split('\n'))
  .filter((line) => line !== '');

let home = '';
let server: StartedServer;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'keruta-governance-'));
  const uid = process.getuid?.() ?? 0;
  const context = { clock: systemClock, random: systemRandom, uid, version: '9.9.9' } as CommandContext;
  const sources = { env: { PORT: '0' }, isServer: true, home, uid, cwd: home };
  server = await startServer(context, loadSettings(sources).values, silentLog);
}, 60_000);
afterAll(async () => {
  await server.close();
  rmSync(home, { recursive: true, force: true });
});

const run = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  cli([...argv], { home, cwd: home, env: { KERUTA_API_URL: server.url, ...env } });

describe('the guide to governance', () => {
  test('has files that are named and commands, each of which succeeds in turn', async () => {
    const files = blocks('yaml');
    expect(files.length).toBeGreaterThan(3);
    for (const text of files) {
      const [, name = ''] = /^# (\S+\.yaml)\n/.exec(text) ?? [];
      expect([text.split('\n')[0], name]).toEqual([`# ${name}`, expect.stringMatching(/./)]);
      writeFileSync(join(home, name), text);
    }
    expect(commands.length).toBeGreaterThan(12);
    for (const line of commands) {
      const [, words = ''] = /^\$ keruta (.*)$/.exec(line) ?? [];
      const result = await run(words.split(' '));
      // what a clock on a wall refuses is refused in the example too, but for one that is forced
      expect({ line, status: result.status, err: result.status === 0 ? '' : result.err }).toEqual({
        ...{ line, status: 0, err: '' },
      });
    }
  }, 60_000);

  test('has defaults that a server takes from its file', () => {
    const [text = ''] = blocks('yml');
    const files = [{ path: '/etc/keruta/config.yaml', text }];
    const sources = { env: {}, files, isServer: true, home, uid: 1, cwd: home };
    const { policyDefaults, retryDefaults } = defaultParts(loadSettings(sources).values);
    expect(policyDefaults).toMatchObject({
      ...{ maxRunsPerDay: 500, maxCostPerDayMicro: 5_000_000, costEstimateMicro: 100_000 },
      ...{ maxConcurrent: 5, breaker: { window: 10 } },
    });
    expect(retryDefaults).toMatchObject({ maxAttempts: 3, delayMs: 30_000 });
  });

  test('tells the way of a run that has to be approved', async () => {
    const fired = await run(['trigger', 'fire', 'release']);
    expect([fired.status, fired.err]).toEqual([1, expect.stringContaining('approval_asked')]);
    const listed = await run(['approval', 'list', '--json']);
    const [{ id, role }] = JSON.parse(listed.out) as [{ id: string; role: string }];
    expect(role).toBe('release');
    const refused = await run(['approval', 'approve', id]);
    expect([refused.status, refused.err]).toEqual([3, expect.stringContaining('--role release')]);
    const made = await run(['token', 'create', '--scope', 'admin', '--role', 'release']);
    const approved = await run(['approval', 'approve', id], { KERUTA_API_TOKEN: made.out.trim() });
    expect({ status: approved.status, err: approved.err }).toEqual({ status: 0, err: '' });
    const shown = await run(['task', 'show', approved.out.trim(), '--json']);
    expect(JSON.parse(shown.out)).toMatchObject({ name: 'release', status: 'PENDING' });
    const cost = await run(['cost', 'add', '0.12', '--key', 'a', '--task-id', approved.out.trim(), '--json']);
    expect(JSON.parse(cost.out)).toMatchObject({ delivered: 'sent', key: 'a' });
  }, 60_000);

  test.each([
    [['cost', 'add', '-1', '--task-id', 'x'], 'amount'],
    [['cost', 'add', '1', '--currency', 'EUR', '--task-id', 'x'], 'expected USD'],
    [['cost', 'add', '1', '--tokens-in', 'many', '--task-id', 'x'], '--tokens-in'],
    [['workflow', 'migrate', 'report'], 'either --weight or --rollback'],
    [['workflow', 'migrate', 'report', '--weight', '2'], 'from 0 to 1'],
    [['policy', 'set'], 'either --file or --clear'],
    [['policy', 'set', '--file', 'report.yaml'], 'name'],
  ])('says what is wrong with %j', async (argv, message) => {
    const result = await run(argv);
    expect([result.status, result.err]).toEqual([2, expect.stringContaining(message)]);
  });
});
