import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { git, write } from '../fixtures/git.ts';
import { makePlace } from './place.ts';

/**
 * A clone that wants to be loaded: every file that some program of this kind reads from its working directory, and the
 * variables by which Node loads code. Whatever runs its code leaves its own path in the file `caught`.
 */
const place = makePlace('hostile');
const [clone, elsewhere, temporary] = ['clone', 'elsewhere', 'tmp'].map((name) => place.path(name)) as [
  string,
  string,
  string,
];
const caught = place.path('caught');
const steal = `require('node:fs').appendFileSync(${JSON.stringify(caught)}, process.execPath + '\\n');`;
const stealAsModule = `import { appendFileSync } from 'node:fs'; appendFileSync(${JSON.stringify(caught)}, process.execPath + '\\n');`;
const settings = 'api:\n  url: http://127.0.0.1:9\nsession:\n  id: stolen\n';
const packages = [
  'yargs',
  'undici',
  'fastify',
  'winston',
  'yaml',
  'zod',
  'pg',
  'pg-native',
  'execa',
  'keruta',
];
const hostile = {
  NODE_OPTIONS: `--require=${clone}/steal.cjs --import=${clone}/steal.mjs`,
  NODE_PATH: join(clone, 'node_modules'),
  NODE_EXTRA_CA_CERTS: join(clone, 'steal.cjs'),
  npm_config_node_options: `--require=${clone}/steal.cjs`,
};
const thieves = () => (existsSync(caught) ? readFileSync(caught, 'utf8').trim().split('\n') : []);

beforeAll(async () => {
  for (const directory of [clone, elsewhere, temporary]) mkdirSync(directory);
  write(clone, {
    'steal.cjs': steal,
    'steal.mjs': stealAsModule,
    '.npmrc': 'node-options=--require ./steal.cjs\nscript-shell=./steal.cjs\n',
    'package.json': JSON.stringify({
      name: 'keruta',
      main: './steal.cjs',
      keruta: { apiUrl: 'http://127.0.0.1:9' },
    }),
    'node.config.json': JSON.stringify({ nodeOptions: { require: ['./steal.cjs'] } }),
    '.env': `KERUTA_SESSION_ID=stolen\nKERUTA_API_URL=http://127.0.0.1:9\nNODE_OPTIONS=--require=./steal.cjs\n`,
    'keruta.config.js': steal,
    'keruta.config.cjs': steal,
    'keruta.config.mjs': stealAsModule,
    'keruta.config.ts': stealAsModule,
    'keruta.config.json': '{"api":{"url":"http://127.0.0.1:9"},"session":{"id":"stolen"}}',
    '.kerutarc': settings,
    '.keruta/config.yaml': settings,
    'config.yaml': settings,
    'large.cjs': steal,
    'keruta-large.cjs': steal,
    ...Object.fromEntries(packages.map((name) => [`node_modules/${name}/index.js`, steal])),
  });
  git(clone, 'init', '-q', '-b', 'main');
  git(clone, 'add', '-A', '-f');
  git(clone, 'commit', '-q', '-m', 'traps');
}, 120_000);
afterEach(() => rmSync(caught, { force: true }));
afterAll(() => place.close());

test('the traps catch a Node that is started among them', () => {
  execFileSync(process.execPath, ['--version'], { cwd: clone, env: { ...process.env, ...hostile } });
  execFileSync(process.execPath, ['-e', ''], { cwd: clone, env: { ...process.env, ...hostile } });
  expect(new Set(thieves())).toEqual(new Set([process.execPath]));
});

test.each([
  'version',
  '--help',
  'config show',
  'config path',
  'completion bash',
  'daemon unit',
  'progress 50',
])('S-72: keruta %s loads and reads nothing of the clone it is started in', async (line) => {
  const words = line.split(' ');
  const here = await place.keruta(words, { cwd: clone, env: { ...place.env, ...hostile } });
  const there = await place.keruta(words, { cwd: elsewhere });
  const plain = (text: string) => text.replaceAll(clone, '.').replaceAll(elsewhere, '.');
  expect(plain(here.stdout)).toBe(plain(there.stdout));
  expect(here.status).toBe(there.status);
  expect(here.stdout + here.stderr).not.toMatch(/stolen|127\.0\.0\.1:9\b/);
  expect(thieves()).toEqual([]);
});

describe('a server and an agent that are started in the clone, with a task in one', () => {
  const started: Record<string, number> = {};
  let session = '';

  beforeAll(async () => {
    const env = () => ({ ...place.env, ...hostile, TMPDIR: temporary });
    const server = await place.server([], { cwd: clone, env: env() });
    session = await place.session('hostile', { repositoryUrl: clone });
    const agent = await place.daemon(session, ['--allow-local-git'], { cwd: clone, env: env() });
    Object.assign(started, { server: server.pid, agent: agent.pid });
  }, 60_000);

  test('S-72: neither loads code of it, nor do commands of a script that wants them to', async () => {
    expect(thieves()).toEqual([]);
    const variables = Object.entries(hostile).map(([name, value]) => `export ${name}='${value}'`);
    const id = await place.submit(
      session,
      `${variables.join('\n')}
      test -f steal.cjs || exit 9
      keruta progress 50 --message half
      echo said | keruta log INFO
      "$KERUTA_EXECUTABLE" log WARN loud
      keruta artifact list
      '${process.execPath}' -e ''
      keruta success --message whole`,
    );
    expect(await place.whole(id, 40_000)).toMatchObject({
      status: 'COMPLETED',
      exitCode: 0,
      message: 'whole',
    });
    // the one that is asked to run Node is caught, so the traps were armed
    expect(new Set(thieves())).toEqual(new Set([process.execPath]));
  });

  test.each(['server', 'agent'])('S-65: the %s runs code of its own file and of the system alone', (role) => {
    const files = executableFiles(started[role] ?? 0);
    expect(files).toContain(place.executable);
    const others = files.filter((file) => file !== place.executable);
    expect(others.length).toBeGreaterThan(0);
    expect(others.filter((file) => !/^\/(usr\/)?lib(64|32)?\//.test(file))).toEqual([]);
    expect(others.filter(isOpenToAll)).toEqual([]);
  });

  test('S-65: neither unpacks anything', () => {
    expect(readdirSync(temporary)).toEqual([]);
  });
});

/** Files of which a process has executable pages. */
function executableFiles(pid: number): readonly string[] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n');
  const paths = lines.flatMap((line) => /^\S+ ..x. \S+ \S+ \S+ +(\/.*)$/.exec(line)?.[1] ?? []);
  return [...new Set(paths)];
}

/** Whether others may put files where this one lies, or write to it. */
function isOpenToAll(file: string): boolean {
  return [file, dirname(file)].some((path) => (statSync(path).mode & 0o002) !== 0);
}
