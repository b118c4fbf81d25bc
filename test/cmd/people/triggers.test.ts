import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CliOptions } from '../harness.ts';
import { useServer } from '../server-in-home.ts';

const place = useServer();
const kerutaWith = (options: CliOptions, ...words: string[]) => place.keruta(words, options);
const keruta = (...words: string[]) => kerutaWith({}, ...words);

async function apply(name: string, text: string): Promise<void> {
  writeFileSync(join(place.home, `${name}.yaml`), `name: ${name}\nrun: echo hi\n${text}`);
  expect(await keruta('apply', '-f', `${name}.yaml`)).toMatchObject({ status: 0 });
}

const daily = 'triggers:\n  - type: cron\n    expression: "0 9 * * *"\n    timezone: Asia/Tokyo\n';

test('a range is shown, run once, and what waits of it is cancelled', async () => {
  await apply('fill', daily);
  const range = ['fill', '--from', '2026-01-01T00:00:00Z', '--to', '2026-01-04T00:00:00Z'];
  const dry = await keruta('trigger', 'backfill', ...range, '--dry-run');
  expect(dry.out).toBe(
    '2026-01-01T00:00:00.000Z  run\n2026-01-02T00:00:00.000Z  run\n2026-01-03T00:00:00.000Z  run\n',
  );
  expect(dry.err).toBe('3 would run, 0 had run, 0 left for another call\n');
  expect((await keruta('trigger', 'backfill', ...range)).err).toMatch(
    /^3 run, 0 had run, .*; backfill [0-9a-f-]{36}\n$/,
  );
  expect(await keruta('trigger', 'backfill', ...range)).toMatchObject({
    out: '',
    err: expect.stringContaining('0 run, 3 had run'),
  });
  expect((await keruta('trigger', 'backfill', 'fill', '--cancel')).out).toBe('3 waiting runs cancelled\n');
  expect(await keruta('trigger', 'backfill', 'fill')).toMatchObject({
    status: 2,
    err: expect.stringContaining('--from'),
  });
});

test('a trigger that wants a confirmation is fired with the token, or by a yes at the terminal', async () => {
  await apply('sure', 'overlap: allow\ntriggers:\n  - type: manual\n    confirm: true\n');
  const asked = await keruta('trigger', 'fire', 'sure', '--param', 'a=1');
  expect(asked).toMatchObject({ status: 1, err: expect.stringContaining('say it again with --confirm') });
  const again = ['trigger', 'fire', 'sure', '--param', 'a=1', '--confirm', asked.out.trim()];
  expect(await keruta(...again)).toMatchObject({
    status: 0,
    out: expect.stringMatching(/^[0-9a-f-]{36}\n$/),
  });
  expect(await keruta(...again)).toMatchObject({ status: 5, err: expect.stringContaining('was used') });
  const terminal = (stdin: string) => kerutaWith({ stdinIsTerminal: true, stdin }, 'trigger', 'fire', 'sure');
  expect(await terminal('y\n')).toMatchObject({ status: 0, err: 'Fire sure/manual? [y/N] ' });
  expect((await terminal('\n')).status).toBe(1);
});

test('the status tells what comes next and how it is', async () => {
  await apply('known', daily);
  const { status, out } = await keruta('trigger', 'status', 'known', 'cron');
  expect(status).toBe(0);
  expect(out).toMatch(
    /^trigger +known\/cron\nstate +awake\nnext +\d{4}-\d\d-\d\d 09:00 \+09:00 Asia\/Tokyo\n/,
  );
  expect(out.match(/Asia\/Tokyo/g)).toHaveLength(5);
  await keruta('trigger', 'pause', 'known');
  expect((await keruta('workflow', 'show', 'known')).out).toMatch(/why not cron +it is held/);
  const [one] = JSON.parse((await keruta('trigger', 'status', 'known', '--json')).out);
  expect(one).toMatchObject({ trigger: 'cron', state: 'held', next: [] });
  expect(await keruta('trigger', 'status', 'known', 'x')).toMatchObject({
    status: 4,
    err: expect.stringContaining('no x'),
  });
});

test('what is exported is what was applied', async () => {
  await apply(
    'round',
    `${daily}    spread: 90s\noverlap: buffer_one\nretry:\n  maxAttempts: 3\n  delay: 5s\n`,
  );
  const { out } = await keruta('workflow', 'export', 'round');
  expect(out).toContain('spread: 1m30s');
  writeFileSync(join(place.home, 'round.yaml'), out);
  expect((await keruta('apply', '-f', 'round.yaml')).out).toBe('round: unchanged\n');
});

test('lint names every fault of every file with line and field, without a server', async () => {
  writeFileSync(
    join(place.home, 'bad.yaml'),
    'name: bad\nrun: ""\ntriggers:\n  - type: cron\n    expression: "0 0 30 2 *"\noverlap: often\n',
  );
  writeFileSync(join(place.home, 'fine.toml'), 'name = "fine"\nrun = "true"\n');
  writeFileSync(join(place.home, 'odd.toml'), 'a = \n');
  const lint = (...files: string[]) =>
    kerutaWith({ env: { KERUTA_API_URL: 'http://127.0.0.1:9' } }, 'trigger', 'lint', ...files);
  expect(await lint('fine.toml')).toMatchObject({ status: 0, out: '1 workflow, no faults\n' });
  const { status, err } = await lint('bad.yaml', 'odd.toml', 'fine.toml', 'fine.toml');
  expect(status).toBe(2);
  for (const part of [
    'bad.yaml:2: run',
    'bad.yaml:4: triggers[0]',
    'bad.yaml:6: overlap',
    'odd.toml:1',
    'fine.toml:1: expected a name of its own',
  ])
    expect(err).toContain(part);
});

test('the schedule is the triggers by time', async () => {
  await apply('timed', daily);
  const { out } = await keruta('schedule', 'list');
  expect(out).toMatch(/timed +cron +cron +awake/);
  expect(out).not.toContain('manual');
});
