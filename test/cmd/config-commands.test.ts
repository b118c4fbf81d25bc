import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cli, temporaryDirectory } from './harness.ts';

interface Shown {
  readonly settings: readonly {
    readonly key: string;
    readonly value: string | null;
    readonly origin: string;
    readonly from: string;
  }[];
}
const shown = (out: string, key: string) =>
  (JSON.parse(out) as Shown).settings.find((one) => one.key === key);

test('config set writes a file of mode 0600 that config show then reads', async () => {
  const home = temporaryDirectory();
  const file = join(home, '.keruta/config.yaml');
  expect(await cli(['config', 'set', 'api.url', 'http://a:1'], { home })).toMatchObject({ status: 0 });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toBe('api:\n  url: http://a:1\n');
  const { out } = await cli(['config', 'show', '--json'], { home });
  expect(shown(out, 'apiUrl')).toMatchObject({ value: 'http://a:1', from: 'file', origin: `${file}:2` });
});

test('config show masks secrets and names the origin of each value', async () => {
  const env = { KERUTA_API_TOKEN: 'krt_secret', KERUTA_POLL_INTERVAL: '10' };
  const { out } = await cli(['config', 'show'], { env });
  expect(out).not.toContain('krt_secret');
  expect(out).toMatch(/api\.token +\*{8} +KERUTA_API_TOKEN/);
  expect(out).toMatch(/daemon\.poll_interval +10s +KERUTA_POLL_INTERVAL/);
  expect(out).toMatch(/server\.port +8585 +default/);
});

test('config set refuses values and names that are none, and leaves the file alone', async () => {
  const home = temporaryDirectory();
  expect(await cli(['config', 'set', 'api.timeout', 'soon'], { home })).toMatchObject({ status: 2 });
  expect((await cli(['config', 'set', 'api.ulr', 'x'], { home })).err).toContain('did you mean api.url?');
  expect((await cli(['config', 'path'], { home })).out).toContain('config.yaml (not there)');
});

test('config set does not write through a symbolic link', async () => {
  const home = temporaryDirectory();
  const target = join(home, 'target.yaml');
  writeFileSync(target, '');
  mkdirSync(join(home, '.keruta'));
  symlinkSync(target, join(home, '.keruta/config.yaml'));
  const { status, err } = await cli(['config', 'set', 'api.url', 'http://a'], { home });
  expect(status).toBe(5);
  expect(err).toContain('is a symbolic link');
  expect(readFileSync(target, 'utf8')).toBe('');
});

test('config set says when a variable overrules the file', async () => {
  const { err } = await cli(['config', 'set', 'api.url', 'http://a'], {
    env: { KERUTA_API_URL: 'http://b' },
  });
  expect(err).toContain('KERUTA_API_URL is set and overrules the file');
});

test('--config names the file, and a named file must be there', async () => {
  const home = temporaryDirectory();
  writeFileSync(join(home, 'own.yaml'), 'api: {timeout: 7s}\n');
  const { out } = await cli(['config', 'show', '--config', 'own.yaml', '--json'], { home });
  expect(shown(out, 'apiTimeout')).toMatchObject({ value: '7s' });
  expect(await cli(['config', 'show', '--config', 'gone.yaml'], { home })).toMatchObject({ status: 4 });
  expect(await cli(['config', 'show', '--config', '.'], { home })).toMatchObject({ status: 2 });
  const env = { KERUTA_CONFIG: 'own.yaml' };
  expect((await cli(['config', 'path', '--json'], { home, env })).out).toContain(join(home, 'own.yaml'));
});

test('a config.yaml in the working directory is not read', async () => {
  const cwd = temporaryDirectory();
  writeFileSync(join(cwd, 'config.yaml'), 'api: {url: http://evil}\n');
  const { out } = await cli(['config', 'show', '--json'], { cwd });
  expect(shown(out, 'apiUrl')).toMatchObject({ from: 'default' });
});

test('--env-file counts as environment, below the environment itself', async () => {
  const home = temporaryDirectory();
  writeFileSync(join(home, 'x.env'), 'KERUTA_TIMEOUT=9\nKERUTA_RETRY_COUNT=9\n');
  const env = { KERUTA_RETRY_COUNT: '1' };
  const { out } = await cli(['config', 'show', '--env-file', 'x.env', '--json'], { home, env });
  expect(shown(out, 'apiTimeout')).toMatchObject({ value: '9s' });
  expect(shown(out, 'retryCount')).toMatchObject({ value: '1' });
  expect(await cli(['config', 'show', '--env-file', 'no.env'], { home })).toMatchObject({ status: 4 });
});

test('a file that is no configuration is named with its line', async () => {
  const home = temporaryDirectory();
  writeFileSync(join(home, 'bad.yaml'), 'api:\n  url: [\n');
  const { status, err } = await cli(['config', 'show', '--config', 'bad.yaml'], { home });
  expect(status).toBe(2);
  expect(err).toMatch(/bad\.yaml:\d: expected YAML/);
});

test('health without a server fails for the API only, in both forms', async () => {
  const env = { KERUTA_API_URL: 'http://127.0.0.1:1', KERUTA_API_TOKEN: 'x', KERUTA_RETRY_COUNT: '0' };
  const { status, out } = await cli(['health', '--format', 'json'], { env });
  expect(status).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    overall: false,
    status: 'unhealthy',
    checks: {
      api: { status: false },
      disk: { status: true },
      memory: { status: true },
      config: { status: true },
    },
  });
  const some = await cli(['health', '--check-disk', '--check', 'memory'], { env });
  expect(some.status).toBe(0);
  expect(some.out).not.toContain('api');
});

test('health says that the configuration is wrong', async () => {
  const { status, out } = await cli(['health', '--check-config'], { env: { KERUTA_TIMEOUT: 'x' } });
  expect(status).toBe(1);
  expect(out).toContain('KERUTA_TIMEOUT');
  expect((await cli(['health', '--check', 'config'])).out).toContain('no token is set');
});

test.each([
  [['config', 'show']],
  [['config', 'show', '--json']],
  [['health', '--format', 'json']],
  [['doctor']],
  [['task', 'list', '--verbose']],
])('S-19: %j says nothing of a token, at the level DEBUG too', async (words) => {
  const env = {
    KERUTA_API_URL: 'http://127.0.0.1:1',
    KERUTA_API_TOKEN: 'krt_adm_a-token-of-mine',
    KERUTA_RETRY_COUNT: '0',
    KERUTA_DEBUG: 'true',
  };
  const { out, err } = await cli(words, { env, home: temporaryDirectory() });
  expect(out + err).not.toBe('');
  expect(out + err).not.toContain('a-token-of-mine');
});
