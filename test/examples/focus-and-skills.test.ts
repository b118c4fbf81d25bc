import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CommandContext } from '../../cmd/keruta/command.ts';
import { type StartedServer, startServer } from '../../cmd/keruta/roles/start-server.ts';
import { loadSettings } from '../../internal/config/load-settings.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { silentLog } from '../../pkg/log/log.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import { cli } from '../cmd/harness.ts';

const root = resolve(import.meta.dirname, '../..');
const example = join(root, 'examples/focus-and-skills');
let home = '';
let server: StartedServer;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'keruta-skills-'));
  const uid = process.getuid?.() ?? 0;
  const context = { clock: systemClock, random: systemRandom, uid, version: '9.9.9' } as CommandContext;
  const sources = { env: { PORT: '0' }, isServer: true, home, uid, cwd: home };
  server = await startServer(context, loadSettings(sources).values, silentLog);
});
afterAll(async () => {
  await server.close();
  rmSync(home, { recursive: true, force: true });
});

/** The commands of a guide in a directory, each of which has to succeed without a word on stderr. */
async function follow(guide: string, cwd: string): Promise<string[]> {
  const blocks = [...readFileSync(guide, 'utf8').matchAll(/^```console\n([\s\S]*?)^```$/gm)];
  const said: string[] = [];
  for (const line of blocks.flatMap(([, block = '']) => block.trim().split('\n'))) {
    const words = line.replace('$ keruta ', '').split(' ');
    const { status, out, err } = await cli(words, { home, cwd, env: { KERUTA_API_URL: server.url } });
    expect({ line, status, err }).toEqual({ line, status: 0, err: '' });
    said.push(out);
  }
  return said;
}

test('the example chooses two of its three skills, and its workflow can be applied and fired', async () => {
  const [all = '', chosen = '', prompt = '', ...rest] = await follow(join(example, 'README.md'), example);
  const names = (table: string) =>
    table
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split(' ')[0]);
  expect(names(all)).toEqual(['answer-mail', 'count-shelf', 'write-report']);
  expect(names(chosen)).toEqual(['count-shelf', 'write-report']);
  expect(prompt).toContain('# Counting the shelf');
  expect(prompt).not.toContain('five sentences');
  expect(rest).toHaveLength(2);
  const told = readFileSync(join(example, 'README.md'), 'utf8');
  expect(told).toContain(`the prompt has ${prompt.split('\n').length - 1} lines`);
});

test('the commands of the guide to skills succeed in the directory of the example', async () => {
  const said = await follow(join(root, 'docs/skills.md'), example);
  expect(said).toHaveLength(4);
  expect(JSON.parse(said[3] ?? '')).toMatchObject({ skills: ['count-shelf', 'write-report'], cut: [] });
});
