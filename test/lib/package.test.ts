import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

test('the package is packed, and a program of somebody else runs and type-checks with nothing but it', () => {
  const work = mkdtempSync(join(tmpdir(), 'keruta-package-'));
  onTestFinished(() => rmSync(work, { recursive: true, force: true }));
  const run = (program: string, words: readonly string[], cwd: string) =>
    execFileSync(program, words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  // built beside the sources: the files that the package names
  run(process.execPath, [join(root, 'scripts/library.ts')], root);
  const copy = join(work, 'copy');
  cpSync(join(root, 'lib'), copy, { recursive: true });
  const packed = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--offline'], copy));
  const [{ filename, files }] = packed as [{ filename: string; files: { path: string }[] }];
  expect(files.map(({ path }) => path)).toEqual(
    expect.arrayContaining([
      'LICENSE',
      'README.md',
      'dist/index.js',
      'dist/types/index.d.ts',
      'package.json',
    ]),
  );
  expect(files.filter(({ path }) => path.startsWith('src/'))).toEqual([]);
  const project = join(work, 'project');
  mkdirSync(join(project, 'node_modules/keruta'), { recursive: true });
  run('tar', ['-xzf', join(copy, filename), '-C', 'node_modules/keruta', '--strip-components=1'], project);
  symlinkSync(join(root, 'node_modules/@types'), join(project, 'node_modules/@types'));
  writeFileSync(join(project, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(project, 'main.ts'),
    `import { agent, App, defineWorkflow, schedule, Scheduler, tool, Watcher, watch, webhook } from 'keruta';
webhook.on('github.push', (payload) => payload.commits.length);
// @ts-expect-error a push has no such field of that type
webhook.on('github.push', (payload) => payload.commits.lenght);
watch.directory('/tmp', { pattern: '*.pdf' }, (path) => path.length);
const fn = schedule.every({ hours: 1 }, schedule.retry({ maxAttempts: 2 }, agent({}, async () => 'x')));
defineWorkflow({ name: 'w', run: 'true' });
const scheduler = new Scheduler().start();
console.log(scheduler.jobs().length, typeof fn, typeof App, typeof Watcher, typeof tool);
await scheduler.stop();
`,
  );
  expect(run(process.execPath, ['main.ts'], project)).toBe('1 function function function function\n');
  const compiler = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--types',
    'node',
    'main.ts',
  ];
  expect(run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...compiler], project)).toBe(
    '',
  );
}, 120_000);
