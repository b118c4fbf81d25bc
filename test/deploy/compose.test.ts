import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  kerutaLines,
  knownVariables,
  makeCheck,
  readDocument,
  serverPort,
  textOf,
  unknownWords,
  version,
} from './deployment-files.ts';

const root = resolve(import.meta.dirname, '../..');
const compose = readDocument('compose.yaml');
const check = makeCheck('compose.json');
const names = Object.keys(compose.services).sort();
/** Those that run keruta itself. */
const own = names.filter((name) => compose.services[name].image.startsWith('keruta:'));

describe('compose.yaml', () => {
  test('is what the published schema describes, and nothing besides', () => {
    expect(check(compose)).toEqual([]);
  });

  test('is refused with a field that is misspelt or of another type', () => {
    const wrong = structuredClone(compose);
    wrong.services.server.helthcheck = {};
    wrong.services.agent.healthcheck.retries = 'three';
    expect(check(wrong).map((text) => text.split(' ')[0])).toEqual(
      expect.arrayContaining(['/services/server', '/services/agent/healthcheck/retries']),
    );
  });

  test('has server, agent, PostgreSQL, Prometheus and Grafana', () => {
    expect(names).toEqual(['agent', 'grafana', 'postgres', 'prometheus', 'server']);
    expect(own).toEqual(['agent', 'server']);
  });

  test.each(names)('%s is started again, is checked, and has an image of a version', (name) => {
    const service = compose.services[name];
    expect(service.restart).toBe('unless-stopped');
    expect(service.healthcheck).toEqual({
      test: expect.any(Array),
      interval: expect.stringMatching(/^\d+s$/),
      timeout: expect.stringMatching(/^\d+s$/),
      start_period: expect.stringMatching(/^\d+s$/),
      retries: expect.any(Number),
    });
    expect(service.image).toMatch(/^[a-z/]+:v?\d+[\w.-]*$/);
  });

  test.each(own)('%s runs this version, unprivileged, with variables that are settings', (name) => {
    const service = compose.services[name];
    expect(service.image).toBe(`keruta:${version}`);
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    const variables = Object.keys(service.environment);
    expect(variables.filter((variable) => !knownVariables.has(variable))).toEqual([]);
  });

  test('says commands of keruta that exist', async () => {
    const lines = own.flatMap((name) => [
      ...(compose.services[name].command ? [compose.services[name].command] : []),
      ...kerutaLines(compose.services[name].healthcheck.test.join(' ')),
    ]);
    expect(lines).toEqual([
      ['daemon', '--keep-alive'],
      ['daemon', 'status', '--json'],
      ['health', '--check', 'api'],
    ]);
    for (const line of lines) expect([line, await unknownWords(line)]).toEqual([line, []]);
  });

  test('finds the server at its own port, and opens ports on this machine only', () => {
    expect(compose.services.agent.environment.KERUTA_API_URL).toBe(`http://server:${serverPort}`);
    const ports: string[] = names.flatMap((name) => compose.services[name].ports ?? []);
    expect(ports).toContain(`127.0.0.1:${serverPort}:${serverPort}`);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    const prometheus = readDocument('deploy/observability/compose.yml');
    expect(prometheus.scrape_configs[0].static_configs).toEqual([{ targets: [`server:${serverPort}`] }]);
  });

  test('waits for what a service needs until that is healthy', () => {
    const needs = names.flatMap((name) =>
      Object.entries<{ condition: string }>(compose.services[name].depends_on ?? {}).map(
        ([needed, { condition }]) => `${name} ${needed} ${condition}`,
      ),
    );
    expect(needs.sort()).toEqual([
      'agent server service_healthy',
      'grafana prometheus service_healthy',
      'prometheus server service_healthy',
      'server postgres service_healthy',
    ]);
  });

  test('mounts volumes that it has and directories that are there', () => {
    const sources: string[] = names.flatMap((name) =>
      (compose.services[name].volumes ?? []).map((mount: string) => mount.split(':')[0]),
    );
    const missing = sources.filter((source) =>
      source.startsWith('./') ? !existsSync(join(root, source)) : !(source in compose.volumes),
    );
    expect(missing).toEqual([]);
  });

  test('asks for no value that .env.example does not have', () => {
    const asked = [...textOf('compose.yaml').matchAll(/(?<!\$)\$\{(\w+)/g)].map(([, name = '']) => name);
    const given = [...textOf('.env.example').matchAll(/^(\w+)=/gm)].map(([, name = '']) => name);
    expect([...new Set(asked)].sort()).toEqual(given.sort());
  });
});

describe('the image', () => {
  const dockerfile = textOf('Dockerfile');
  const lines = dockerfile.split('\n');
  const lastStage = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));

  test('is built in two stages, of bases that name a release', () => {
    const bases = lines.filter((line) => line.startsWith('FROM '));
    expect(bases).toEqual(['FROM node:24-bookworm-slim AS build', 'FROM debian:bookworm-slim']);
  });

  test('runs as a user that is not root, and is checked as ECS does it', async () => {
    expect(lastStage).toContain('USER 1000:1000');
    const [, words = ''] = /^HEALTHCHECK .* CMD (\[.*\])$/m.exec(dockerfile) ?? [];
    const [, command = ''] = /^CMD (\[.*\])$/m.exec(dockerfile) ?? [];
    expect(JSON.parse(words)).toEqual(['keruta', 'health', '--check', 'api']);
    expect(await unknownWords(JSON.parse(words).slice(1))).toEqual([]);
    expect(await unknownWords(JSON.parse(command))).toEqual([]);
    expect(dockerfile).toContain('--interval=30s --timeout=30s --start-period=120s --retries=3');
    expect(lastStage).toContain(`EXPOSE ${serverPort}`);
  });
});
