import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readVolume } from '../../../cmd/keruta/roles/executor-of.ts';
import { readCpus } from '../../../cmd/keruta/roles/read-cpus.ts';
import { cli } from '../harness.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'keruta-executor-of-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

test.each([
  [{}, 'no image is set; set docker.image'],
  [{ KERUTA_DOCKER_IMAGE: 'x', DOCKER_HOST: 'ssh://me@there' }, 'expected unix:///path or tcp://host:port'],
  [{ KERUTA_DOCKER_IMAGE: 'x', KERUTA_DOCKER_VOLUMES: '/a:b' }, 'got "/a:b"'],
  [{ KERUTA_DOCKER_IMAGE: 'x', KERUTA_DOCKER_CPUS: 'two' }, 'got "two"'],
])('settings that no container has end an agent, and all of keruta up, at once: %j', async (more, said) => {
  const env = { PATH: process.env.PATH ?? '', KERUTA_EXECUTOR: 'docker', ...more };
  const { status, err } = await cli(['up', '--port', '0', '--agent-port', '0'], { home, env });
  expect([status, err]).toEqual([2, expect.stringContaining(said)]);
});

test('volumes and processors are read as people write them', () => {
  expect(readVolume('/a/b:/c')).toEqual({ source: '/a/b', target: '/c', readOnly: false });
  expect(readVolume('/a/b:/c:ro')).toEqual({ source: '/a/b', target: '/c', readOnly: true });
  expect(() => readVolume('a:/b')).toThrow('expected /on/the/machine:/in/the/container');
  const name = 'docker.cpus';
  expect([readCpus('1.5', name), readCpus('2', name), readCpus(null, name)]).toEqual([1.5, 2, null]);
  expect(() => readCpus('0', name)).toThrow('docker.cpus: expected a number such as 1.5');
  expect(() => readCpus('many', 'limits.cpus')).toThrow(
    'limits.cpus: expected a number such as 1.5; got "many"',
  );
});

test('doctor leaves the engine alone where scripts run without containers, and says when it is away', async () => {
  const env = { PATH: process.env.PATH ?? '' };
  const without = await cli(['doctor'], { home, env });
  expect(without.out).toMatch(/container-engine +skipped/);
  const away = {
    ...env,
    KERUTA_EXECUTOR: 'docker',
    KERUTA_DOCKER_IMAGE: 'x',
    DOCKER_HOST: `unix://${home}/none.sock`,
  };
  const { out } = await cli(['doctor'], { home, env: away });
  expect(out).toMatch(/container-engine +fail .*none\.sock cannot be asked for its version/);
});
