import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CommandContext } from '../../cmd/keruta/command.ts';
import { type StartedServer, startServer } from '../../cmd/keruta/roles/start-server.ts';
import { loadSettings } from '../../internal/config/load-settings.ts';
import { triggerTypes } from '../../internal/trigger/types.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { silentLog } from '../../pkg/log/log.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import { workflowSections } from '../../scripts/workflow-reference.ts';
import { cli } from '../cmd/harness.ts';

const guide = readFileSync(resolve(import.meta.dirname, '../../docs/workflows.md'), 'utf8');
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
  home = mkdtempSync(join(tmpdir(), 'keruta-guide-'));
  const uid = process.getuid?.() ?? 0;
  const env = { DEPLOY_SECRET: 'a-secret-of-more-than-thirty-two-bytes' };
  const about = { clock: systemClock, random: systemRandom, uid, version: '9.9.9', env };
  const context = about as Partial<CommandContext> as CommandContext;
  const sources = { env: { PORT: '0' }, isServer: true, home, uid, cwd: home };
  server = await startServer(context, loadSettings(sources).values, silentLog);
}, 60_000);
afterAll(async () => {
  await server.close();
  rmSync(home, { recursive: true, force: true });
});

describe('the guide to workflows', () => {
  test('has files that are named and commands, each of which succeeds in turn', async () => {
    const files = blocks('yaml');
    expect(files.length).toBeGreaterThan(2);
    for (const text of files) {
      const [, name = ''] = /^# (\S+\.yaml)\n/.exec(text) ?? [];
      expect([text.split('\n')[0], name]).toEqual([`# ${name}`, expect.stringMatching(/./)]);
      writeFileSync(join(home, name), text);
    }
    for (const text of [...blocks('ts'), ...blocks('toml')]) {
      const [, name = ''] = /^(?:#|\/\/) (\S+\.(?:ts|toml))\n/.exec(text) ?? [];
      expect(name).not.toBe('');
      writeFileSync(join(home, name), text);
    }
    expect(commands.length).toBeGreaterThan(15);
    for (const line of commands) {
      const [, words = ''] = /^\$ keruta (.*)$/.exec(line) ?? [];
      const argv = [...words.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
      const result = await cli(argv, { home, cwd: home, env: { KERUTA_API_URL: server.url } });
      expect({ line, status: result.status, err: result.status === 0 ? '' : result.err }).toEqual({
        line,
        status: 0,
        err: '',
      });
    }
  }, 60_000);
});

describe('the reference of workflow files', () => {
  test('says of every field of a workflow, a task and a trigger what it means', () => {
    const [whole, task, policy, trigger] = workflowSections();
    const silent = [whole, task, policy, trigger].flatMap((section) =>
      (section?.rows ?? [])
        .filter(([name, , meaning]) => meaning === '' && !name.includes('.'))
        .map(([name]) => name),
    );
    expect(silent).toEqual([]);
  });

  test('has a section for every type of trigger', () => {
    const titles = workflowSections().map(({ title }) => title);
    expect(titles).toEqual(
      expect.arrayContaining([...triggerTypes.keys()].map((type) => `Trigger of type ${type}`)),
    );
  });
});
