import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
let work = '';
let project = '';
let tarball = '';

const run = (program: string, words: readonly string[], cwd = project) =>
  execFileSync(program, words, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    // a cache of its own, and no address of a registry that answers
    env: {
      PATH: process.env.PATH,
      HOME: work,
      npm_config_cache: join(work, 'cache'),
      npm_config_registry: 'http://127.0.0.1:9/',
    },
  });

/** As somebody else gets it: packed, then installed into an empty directory, without network. */
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'keruta-package-'));
  tarball = run(process.execPath, [join(root, 'scripts/library.ts'), '--pack', work], root).trim();
  project = join(work, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{"type":"module"}');
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball]);
}, 180_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

test('the package holds what it names, the licences of what is in it, and no sources', () => {
  const files = run('tar', ['-tzf', tarball]).trim().split('\n');
  expect(files).toEqual(
    expect.arrayContaining([
      'package/LICENSE',
      'package/README.md',
      'package/dist/THIRD-PARTY.txt',
      'package/dist/index.js',
      'package/dist/types/index.d.ts',
      'package/package.json',
    ]),
  );
  expect(
    files.filter((path) => !/^package\/(dist\/|LICENSE$|README\.md$|package\.json$)/.test(path)),
  ).toEqual([]);
  const notices = run('tar', ['-xzOf', tarball, 'package/dist/THIRD-PARTY.txt']);
  expect(notices.match(/^(zod|croner) \d+\.\d+\.\d+$/gm)).toHaveLength(2);
  // who installs it waits for it
  expect(statSync(tarball).size).toBeLessThan(200_000);
});

test('it needs no other package', () => {
  const { dependencies } = JSON.parse(run('npm', ['ls', '--all', '--json'])) as {
    dependencies: Record<string, { dependencies?: object }>;
  };
  expect(Object.keys(dependencies)).toEqual(['keruta']);
  expect(dependencies.keruta?.dependencies).toBeUndefined();
});

test('an example runs with it, and its cron trigger is run by hand', () => {
  copyFileSync(join(root, 'examples/morning-report.ts'), join(project, 'morning-report.ts'));
  writeFileSync(
    join(project, 'main.ts'),
    `import { App, Scheduler } from 'keruta';
import { morningReport } from './morning-report.ts';
const scheduler = new Scheduler().start();
console.log(scheduler.jobs().map(({ when }) => when).join());
await scheduler.stop();
const app = new App('shop');
app.cron({ expression: '0 9 * * *', eventName: 'report' }, morningReport);
const { result } = await app.cronRegistry.triggerNow('report');
console.log(String(result).split('\\n')[1]);
`,
  );
  const said = run(process.execPath, ['main.ts']).trim().split('\n');
  expect(said).toEqual(['0 9 * * *,0 9 * * *,0 0 * * 1', 'users: 1234']);
});

test('its types are those of the payloads, and it type-checks on its own', () => {
  mkdirSync(join(project, 'node_modules/@types'), { recursive: true });
  symlinkSync(join(root, 'node_modules/@types/node'), join(project, 'node_modules/@types/node'));
  writeFileSync(
    join(project, 'typed.ts'),
    `import { agent, App, defineWorkflow, schedule, Scheduler, tool, Watcher, watch, webhook } from 'keruta';
webhook.on('github.push', (payload) => payload.commits.length);
// @ts-expect-error a push has no such field of that type
webhook.on('github.push', (payload) => payload.commits.lenght);
webhook.on('github.pull_request', ({ pull_request: { head } }, { signal }) => head.sha.length + Number(signal.aborted));
webhook.on('other', (payload) => typeof payload);
watch.directory('/tmp', { pattern: '*.pdf', ignore: ['old'] }, (path, { event }) => path.length + event.length);
// @ts-expect-error what time fires gets no payload
schedule.cron('@daily', (path: string) => path);
const fn = schedule.every({ hours: 1 }, schedule.retry({ maxAttempts: 2 }, agent({}, async () => 'x')));
export const same: () => Promise<string> = fn;
export const sum: (a: number) => number = tool((a: number) => a + 1);
defineWorkflow({ name: 'w', run: 'true' });
export const all: [Scheduler, Watcher, App] = [new Scheduler(), new Watcher(), new App('x')];
`,
  );
  const words = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--types',
    'node',
    'typed.ts',
  ];
  expect(run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...words])).toBe('');
}, 60_000);
