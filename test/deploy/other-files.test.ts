import { describe, expect, test } from 'vitest';
import {
  kerutaLines,
  knownVariables,
  readDocument,
  serverPort,
  textOf,
  unknownWords,
  version,
} from './deployment-files.ts';

describe('the task definition of ECS', () => {
  const definition = readDocument('deploy/ecs/task-definition.json');
  const [server, ...others] = definition.containerDefinitions;

  test('has a network interface of its own, a quarter of a processor and 512 MB, on amd64', () => {
    expect(definition).toMatchObject({
      networkMode: 'awsvpc',
      cpu: '256',
      memory: '512',
      requiresCompatibilities: ['FARGATE'],
      runtimePlatform: { cpuArchitecture: 'X86_64', operatingSystemFamily: 'LINUX' },
    });
    expect(others).toEqual([]);
  });

  test('is checked every 30 s for at most 30 s, after 120 s, and three times', async () => {
    expect(server.healthCheck).toEqual({
      command: ['CMD', 'keruta', 'health', '--check', 'api'],
      interval: 30,
      timeout: 30,
      startPeriod: 120,
      retries: 3,
    });
    expect(await unknownWords(server.healthCheck.command.slice(2))).toEqual([]);
  });

  test('starts a command that exists, of this version, at its own port, with variables that are settings', async () => {
    expect(await unknownWords(server.command)).toEqual([]);
    expect(server.image).toMatch(new RegExp(`/keruta:${version.replaceAll('.', '\\.')}$`));
    expect(server.portMappings[0]).toMatchObject({ containerPort: serverPort });
    const names: string[] = [...server.environment, ...server.secrets].map(({ name }) => name);
    expect(names.filter((name) => !knownVariables.has(name))).toEqual([]);
  });

  test('has no secret in it', () => {
    const secret: string[] = server.secrets.map(({ name }: { name: string }) => name);
    expect(secret).toEqual(['KERUTA_DATABASE_URL', 'KERUTA_ADMIN_TOKEN']);
    const open: string[] = server.environment.map(({ name }: { name: string }) => name);
    expect(open.filter((name) => /TOKEN|PASSWORD|URL/.test(name))).toEqual([]);
  });
});

describe('the fragment of a Coder template', () => {
  const fragment = textOf('deploy/coder/main.tf');

  test('says commands of keruta that exist, with variables that are settings', async () => {
    const lines = kerutaLines(fragment.replaceAll(/^\s*#.*$/gm, '').replaceAll(/= +"[^"]*"/g, ''));
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines) expect([line, await unknownWords(line)]).toEqual([line, []]);
    const names = fragment.match(/\b(?:KERUTA|CODER)_[A-Z_]+\b/g) ?? [];
    expect(names.filter((name) => !knownVariables.has(name))).toEqual([]);
  });

  test('keeps the token out of the environment of the workspace', () => {
    const named = [...fragment.matchAll(/name\s*=\s*"(KERUTA_\w+)"/g)].map(([, name]) => name);
    expect(named).toEqual(['KERUTA_API_URL']);
  });
});
