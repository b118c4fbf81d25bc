import { describe, expect, test } from 'vitest';
import { defaultParts } from '../../cmd/keruta/roles/default-parts.ts';
import { loadSettings } from '../../internal/config/load-settings.ts';
import { useServer } from '../cmd/server-in-home.ts';
import { follow, readGuide, writeFiles } from './guide.ts';

const guide = readGuide('docs/governance.md');
const place = useServer();
const run = (words: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  place.keruta(words, { env });

describe('the guide to governance', () => {
  test('has files that are named and commands, each of which succeeds in turn', async () => {
    expect(writeFiles(guide, ['yaml'], place.home).length).toBeGreaterThan(3);
    expect(guide.commands.length).toBeGreaterThan(12);
    // what a clock on a wall refuses is refused in the example too, but for one that is forced
    await follow(guide.commands, run);
  }, 60_000);

  test('has defaults that a server takes from its file', () => {
    const [text = ''] = guide.blocks('yml');
    const files = [{ path: '/etc/keruta/config.yaml', text }];
    const sources = { env: {}, files, isServer: true, home: place.home, uid: 1, cwd: place.home };
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
