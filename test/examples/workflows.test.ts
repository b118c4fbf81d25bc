import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test, vi } from 'vitest';
import { useUp } from '../cmd/up-in-home.ts';
import { follow, readGuide } from '../docs/guide.ts';

vi.setConfig({ testTimeout: 240_000 });

const examples = resolve(import.meta.dirname, '../../examples');
const place = useUp();
const { ended } = place;
const keruta = (...words: string[]) => place.keruta(words, { cwd: examples });

async function apply(file: string): Promise<void> {
  const { status, err } = await keruta('apply', '-f', file);
  expect({ status, err }).toEqual({ status: 0, err: '' });
}

/** Fires a workflow and waits for its task to end. */
async function run(workflow: string, ...words: string[]) {
  const { status, out, err } = await keruta('trigger', 'fire', workflow, ...words);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  return ended(out.trim());
}

test('the trading morning is decided by the agent, and by the rule book when there is none', async () => {
  await apply('trading-morning.yaml');
  await keruta('workflow', 'migrate', 'trading-morning', '--weight', '1');
  const alone = await run('trading-morning', '--force');
  expect(alone).toMatchObject({ status: 'FAILED', log: expect.stringContaining('no agent on this machine') });
  const book = await vi.waitFor(
    async () => {
      const { out } = await keruta('task', 'list', '--session', 'trading-morning', '--json');
      const found = (JSON.parse(out) as { id: string; name: string }[]).find(
        ({ name }) => name === 'rule-book',
      );
      if (found === undefined) throw new Error('the rule book was not asked yet');
      return found;
    },
    { timeout: 120_000, interval: 100 },
  );
  expect((await ended(book.id)).log).toBe('ACME sell\nBOLT hold\n');
  // both runs of this day are used up
  await keruta('workflow', 'delete', 'trading-morning');
  await apply('trading-morning.yaml');
  await keruta('workflow', 'migrate', 'trading-morning', '--weight', '1');
  const agent = join(place.home, 'agent.sh');
  writeFileSync(agent, '#!/bin/sh\nread -r first\necho "wait and see: $first"\n');
  chmodSync(agent, 0o755);
  const decided = await run('trading-morning', '--force', '--param', `agent=${agent}`);
  expect(decided).toMatchObject({ status: 'COMPLETED', log: 'wait and see: ACME 101.00 97.50\n' });
  expect((await keruta('task', 'show', decided.id)).out).toMatch(
    /action +agent\n[\s\S]*cost +\$0\.04 in 1 call/,
  );
});

test('the daily report is of the day that it was due, and is kept', async () => {
  const sales = join(place.home, 'sales.csv');
  writeFileSync(
    sales,
    '2026-11-19,nails,9\n2026-11-20,screws,2.50\n2026-11-20,nails,1\n2026-11-20,screws,3\n',
  );
  await apply('daily-report.yaml');
  const at = '2026-11-20T17:00:00Z';
  const { id, ...shown } = await run('daily-report', '--at', at, '--param', `sales=${sales}`);
  expect(shown).toMatchObject({
    ...{ status: 'COMPLETED', message: '2 articles were sold on 2026-11-20' },
    log: '# Sales of 2026-11-20\n- nails: 1.00\n- screws: 5.50\n',
  });
  const { out } = await keruta('artifact', 'get', id, 'report-2026-11-20.md', '-o', '-');
  expect(out).toBe(shown.log);
});

test('the clean-up removes what is old where it may, after a yes, and nothing in a dry run or elsewhere', async () => {
  await apply('data-clean-up.yaml');
  const directory = join(place.home, 'exports');
  mkdirSync(join(directory, 'below'), { recursive: true });
  const file = (name: string, days: number) => {
    const path = join(directory, name);
    writeFileSync(path, name);
    const at = Date.now() / 1000 - days * 86_400;
    utimesSync(path, at, at);
    return path;
  };
  const [old, young] = [file('below/old.csv', 40), file('young.csv', 20)];
  const clean = async (...words: string[]) => {
    const params = ['--param', `directory=${directory}`, ...words];
    const asked = await keruta('trigger', 'fire', 'data-clean-up', ...params);
    expect(asked).toMatchObject({ status: 1, err: expect.stringContaining('--confirm') });
    return run('data-clean-up', ...params, '--confirm', asked.out.trim());
  };
  const refused = await clean();
  expect(refused).toMatchObject({ status: 'FAILED', message: expect.stringContaining('left alone') });
  const mark = file('.may-be-cleaned', 100);
  expect(await clean('--param', 'dry_run=yes')).toMatchObject({
    ...{ status: 'COMPLETED', message: `1 files would be removed from ${directory}` },
  });
  expect(existsSync(old)).toBe(true);
  expect(await clean()).toMatchObject({ message: `1 files were removed from ${directory}` });
  expect([old, young, mark].map((path) => existsSync(path))).toEqual([false, true, true]);
});

test('the limits let two runs of a day pass, refuse the third, and stop one that spends too much', async () => {
  const directory = join(examples, 'governance-limits');
  const readme = readGuide('examples/governance-limits/README.md');
  const results = await follow(readme.commands, (words) => place.keruta(words, { cwd: directory }));
  expect(await ended(results[2]?.out.trim() ?? '')).toMatchObject({ status: 'COMPLETED' });
  const status = await keruta('workflow', 'status', 'summaries');
  expect(status.out).toContain(readme.blocks('text')[0]?.trim() ?? '-');
  expect(await run('summaries')).toMatchObject({ log: 'the summary is written\n' });
  const third = await keruta('trigger', 'fire', 'summaries', '--force');
  expect(third).toMatchObject({ status: 1, err: expect.stringContaining('cost_limit') });
  // another workflow of the same kind, whose day has not begun
  const text = readFileSync(join(directory, 'summaries.yaml'), 'utf8');
  writeFileSync(join(place.home, 'dear.yaml'), text.replace('name: summaries', 'name: dear'));
  await apply(join(place.home, 'dear.yaml'));
  const dear = await run('dear', '--param', 'price=0.60', '--param', 'work=60');
  expect(dear).toMatchObject({ status: 'CANCELLED', reason: 'cost_limit' });
  expect((await keruta('policy', 'set', '--clear')).status).toBe(0);
});

test('every example is in the list, and every line of the list is an example', () => {
  const list = readFileSync(join(examples, 'README.md'), 'utf8');
  const listed = [...list.matchAll(/^\| `([\w./-]+)` \|/gm)].map(([, name = '']) => name.replace(/\/$/, ''));
  const files = readdirSync(examples).filter((name) => name !== 'README.md');
  expect(listed.sort()).toEqual(files.sort());
});
