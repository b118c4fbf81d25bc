import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { settingKeys, settingsTable } from '../../internal/config/table.ts';
import { errorTable } from '../../internal/domain/error-table.ts';
import { useServer } from '../cmd/server-in-home.ts';
import { readDocument, textOf, unknownWords, version } from '../deploy/deployment-files.ts';
import { follow, readGuide } from './guide.ts';

const guide = readGuide('docs/operations.md');
const nightly = 'name: nightly\nrun: echo hi\ntriggers:\n  - type: cron\n    expression: "0 3 * * *"\n';
const place = useServer();

describe('the guide to operations', () => {
  test('has questions that a server answers', async () => {
    writeFileSync(join(place.home, 'nightly.yaml'), nightly);
    expect(guide.commands.length).toBeGreaterThan(5);
    await follow(['apply -f nightly.yaml', ...guide.commands], place.keruta);
  }, 60_000);

  test('names commands and options of keruta that exist', async () => {
    const code = [...guide.blocks(''), ...guide.blocks('console'), ...guide.inline];
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
    const named = guide.text.match(/\b(?:KERUTA|IMAP|EMAIL|GITHUB)_[A-Z_]+\b/g) ?? [];
    const errors: string[] = Object.keys(errorTable);
    const ofCompose = ['KERUTA_AGENT_TOKEN', 'KERUTA_METRICS_TOKEN'];
    const unknown = named.filter((name) => ![...variables, ...errors, ...ofCompose].includes(name));
    expect(unknown).toEqual([]);
    const versions = [...guide.text.matchAll(/keruta:(\d+\.\d+\.\d+)/g)].map(([, text]) => text);
    expect(new Set(versions)).toEqual(new Set([version]));
  });

  test('names services, secrets and objects as the files have them', () => {
    const services = Object.keys(readDocument('compose.yaml').services);
    const named = [...guide.text.matchAll(/docker compose (?:exec|stop|logs -f) (\w+)/g)].map(
      ([, name = '']) => name,
    );
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => !services.includes(name))).toEqual([]);
    const manifests = textOf('deploy/kubernetes/server.yaml') + textOf('deploy/kubernetes/agent.yaml');
    for (const [, secret = '', key = ''] of guide.text.matchAll(
      /secret generic (\S+) --from-literal=([\w-]+)=/g,
    )) {
      expect(manifests).toMatch(new RegExp(`name: ${secret}\\n\\s+key: ${key}\\n`));
    }
    const deployments = [...guide.text.matchAll(/deployment\/([\w-]+)/g)].map(([, name]) => name);
    expect(deployments.filter((name) => !manifests.includes(`  name: ${name}\n`))).toEqual([]);
  });
});
