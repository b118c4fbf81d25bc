import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CommandContext } from '../../cmd/keruta/command.ts';
import { type StartedServer, startServer } from '../../cmd/keruta/roles/start-server.ts';
import { loadSettings } from '../../internal/config/load-settings.ts';
import { settingKeys, settingsTable } from '../../internal/config/table.ts';
import { errorTable } from '../../internal/domain/error-table.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { silentLog } from '../../pkg/log/log.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import { cli } from '../cmd/harness.ts';
import { readDocument, textOf, unknownWords, version } from '../deploy/deployment-files.ts';

const guide = textOf('docs/operations.md');
const fences = /^```(\w*)\n([\s\S]*?)^```$/gm;
const blocks = (language: string) =>
  [...guide.matchAll(fences)].filter(([, name]) => name === language).map(([, , text = '']) => text);
const inline = [...guide.replaceAll(fences, '').matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);
const nightly = 'name: nightly\nrun: echo hi\ntriggers:\n  - type: cron\n    expression: "0 3 * * *"\n';

let home = '';
let server: StartedServer;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'keruta-operations-'));
  const uid = process.getuid?.() ?? 0;
  const context = { clock: systemClock, random: systemRandom, uid, version: '9.9.9' } as CommandContext;
  const sources = { env: { PORT: '0' }, isServer: true, home, uid, cwd: home };
  server = await startServer(context, loadSettings(sources).values, silentLog);
  writeFileSync(join(home, 'nightly.yaml'), nightly);
}, 60_000);
afterAll(async () => {
  await server.close();
  rmSync(home, { recursive: true, force: true });
});
const keruta = (argv: readonly string[]) =>
  cli(argv, { home, cwd: home, env: { KERUTA_API_URL: server.url } });

describe('the guide to operations', () => {
  test('has questions that a server answers', async () => {
    expect((await keruta(['apply', '-f', 'nightly.yaml'])).status).toBe(0);
    const lines = blocks('console').flatMap((block) => block.split('\n').filter((line) => line !== ''));
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) {
      const [, words = ''] = /^\$ keruta (.*)$/.exec(line) ?? [];
      const { status, err } = await keruta(words.split(' '));
      expect({ line, status, err: status === 0 ? '' : err }).toEqual({ line, status: 0, err: '' });
    }
  }, 60_000);

  test('names commands and options of keruta that exist', async () => {
    const code = [...blocks(''), ...blocks('console'), ...inline];
    const lines = code.flatMap((text) =>
      [...text.replaceAll(/ +#.*$/gm, '').matchAll(/(?<![\w./:-]|-n )keruta ([a-z]+[^\n|;)]*)/g)].map(
        ([, line = '']) => line.trim().split(/\s+/),
      ),
    );
    expect(lines.length).toBeGreaterThan(40);
    for (const line of lines) {
      expect([line, await unknownWords(line)]).toEqual([line, []]);
    }
  });

  test('names settings and errors that exist, and this version', () => {
    const variables = settingKeys.flatMap((key) => [
      ...settingsTable[key].variables,
      ...(settingsTable[key].serverVariables ?? []),
    ]);
    const named = guide.match(/\b(?:KERUTA|IMAP|EMAIL)_[A-Z_]+\b/g) ?? [];
    const errors: string[] = Object.keys(errorTable);
    const ofCompose = ['KERUTA_AGENT_TOKEN', 'KERUTA_METRICS_TOKEN'];
    const unknown = named.filter((name) => ![...variables, ...errors, ...ofCompose].includes(name));
    expect(unknown).toEqual([]);
    const versions = [...guide.matchAll(/keruta:(\d+\.\d+\.\d+)/g)].map(([, text]) => text);
    expect(new Set(versions)).toEqual(new Set([version]));
  });

  test('names services, secrets and objects as the files have them', () => {
    const services = Object.keys(readDocument('compose.yaml').services);
    const named = [...guide.matchAll(/docker compose (?:exec|stop|logs -f) (\w+)/g)].map(
      ([, name = '']) => name,
    );
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => !services.includes(name))).toEqual([]);
    const manifests = textOf('deploy/kubernetes/server.yaml') + textOf('deploy/kubernetes/agent.yaml');
    for (const [, secret = '', key = ''] of guide.matchAll(
      /secret generic (\S+) --from-literal=([\w-]+)=/g,
    )) {
      expect(manifests).toMatch(new RegExp(`name: ${secret}\\n\\s+key: ${key}\\n`));
    }
    const deployments = [...guide.matchAll(/deployment\/([\w-]+)/g)].map(([, name]) => name);
    expect(deployments.filter((name) => !manifests.includes(`  name: ${name}\n`))).toEqual([]);
  });
});
