import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defaultDescription } from '../../../../internal/worker/artifacts/describe.ts';
import { ownPlaces } from '../../../../internal/worker/artifacts/own-places.ts';
import { scanArtifacts, snapshotArtifacts } from '../../../../internal/worker/artifacts/scan.ts';
import { temporaryDirectory, write } from '../../../fixtures/git.ts';

const own = ownPlaces({ baseDirectories: [], files: [], work: [] });
const limits = { own, maxBytes: 1_000, maxCount: 100, maxTotalBytes: 10_000, previous: null };
const paths = (scan: { files: readonly { path: string }[] }) => scan.files.map((file) => file.path);

describe('scanArtifacts', () => {
  test('finds regular files in all depths, with size and type', async () => {
    const root = temporaryDirectory('artifacts');
    write(root, { 'report.md': '# hi', 'sub/deep/plot.png': 'png', '.cache/visible.txt': 'x' });
    const scan = await scanArtifacts({ ...limits, directories: [root] });
    expect(paths(scan)).toEqual(['.cache/visible.txt', 'report.md', 'sub/deep/plot.png']);
    expect(scan.files[1]).toMatchObject({
      absolutePath: join(root, 'report.md'),
      size: 4,
      contentType: 'text/markdown; charset=utf-8',
    });
  });

  test('a missing directory is empty', async () => {
    const scan = await scanArtifacts({ ...limits, directories: ['/no/such/directory'] });
    expect(scan).toEqual({ files: [], skipped: [], skippedCount: 0 });
  });

  test('links, hard links, hidden and private files are skipped with a reason', async () => {
    const root = temporaryDirectory('artifacts');
    const outside = temporaryDirectory('outside');
    write(outside, { 'secret.txt': 's' });
    write(root, { '.env': 'x', '.hidden': 'x', '.git/config': 'x', '.ssh/id': 'x', 'ok.txt': 'x' });
    symlinkSync('/etc/passwd', join(root, 'passwd'));
    symlinkSync('/dev/zero', join(root, 'zero'));
    symlinkSync(outside, join(root, 'parent'));
    linkSync(join(outside, 'secret.txt'), join(root, 'hard'));
    const scan = await scanArtifacts({ ...limits, directories: [root] });
    expect(paths(scan)).toEqual(['ok.txt']);
    expect(Object.fromEntries(scan.skipped.map(({ path, reason }) => [path, reason]))).toEqual({
      '.env': 'private',
      '.git': 'private',
      '.hidden': 'hidden',
      '.ssh': 'private',
      hard: 'a hard link to a file that has other names',
      parent: 'a symbolic link',
      passwd: 'a symbolic link',
      zero: 'a symbolic link',
    });
  });

  test('S-34: what holds credentials, a repository’s inside or keruta’s own is skipped at any depth, in any case', async () => {
    const root = temporaryDirectory('artifacts');
    const names = ['.git', '.ENV', '.ssh', '.npmrc', '.Netrc', '.git-credentials', '.keruta'];
    names.push('admin.token', 'local.token');
    const files = names.flatMap((name) => [`file/${name}`, `deep/in/${name}/config`]);
    write(root, Object.fromEntries([...files, 'ok.txt', 'a.env/b.git/c.ssh'].map((path) => [path, 'x'])));
    const scan = await scanArtifacts({ ...limits, directories: [root] });
    expect(paths(scan)).toEqual(['a.env/b.git/c.ssh', 'ok.txt']);
    expect(scan.skipped.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual(
      names
        .flatMap((name) => [`deep/in/${name}`, `file/${name}`])
        .toSorted()
        .map((path) => ({ path, reason: 'private' })),
    );
  });

  test('S-34: a directory that lies in one of credentials is not entered', async () => {
    const home = temporaryDirectory('home');
    write(home, { '.ssh/id': 'x', 'clone/.git/modules/sub/config': 'x', '.keruta/server/admin.token': 'x' });
    const directories = ['.ssh', 'clone/.git/modules/sub', '.keruta', '.keruta/server'].map((path) =>
      join(home, path),
    );
    const scan = await scanArtifacts({ ...limits, directories });
    expect(scan.files).toEqual([]);
    expect(scan.skipped).toEqual(directories.map((path) => ({ path, reason: 'private' })));
  });

  test('S-34: keruta’s own state is skipped wherever it lies; what tasks leave in it is theirs', async () => {
    const home = temporaryDirectory('home');
    symlinkSync(home, `${home}.link`);
    const base = join(home, 'agent');
    const inBase = {
      'local.token': 'x',
      'runs/r/stdout': 'x',
      'work/s/out.txt': 'x',
      'repos/r/.keruta/doc/a': 'x',
    };
    write(base, { ...inBase, 'agent.json': 'x' });
    write(home, { 'data/admin.token': 'x', 'etc/token': 'x', 'etc/other': 'x' });
    // as settings name them, by a link or not
    const files = [join(`${home}.link`, 'data'), join(home, 'etc/token'), join(home, 'not-there')];
    const known = ownPlaces({ baseDirectories: [join(`${home}.link`, 'agent')], files, work: [] });
    const above = await scanArtifacts({ ...limits, own: known, directories: [home] });
    expect(paths(above)).toEqual(['etc/other']);
    const reason = 'part of the state of keruta';
    expect(above.skipped).toEqual(['agent', 'data', 'etc/token'].map((path) => ({ path, reason })));

    const within = ['', 'runs', 'runs/r', 'work/s', 'repos/r/.keruta/doc'].map((path) => join(base, path));
    const inside = await scanArtifacts({ ...limits, own: known, directories: within });
    expect(paths(inside)).toEqual(['out.txt', 'a']);
    expect(inside.skipped).toEqual(within.slice(0, 3).map((path) => ({ path, reason })));
  });

  test('S-34: a directory that the settings name for artifacts may lie inside of that state, but holds no state', async () => {
    const base = temporaryDirectory('base');
    write(base, { 'kept/a.txt': 'x', 'kept/server/admin.token': 'x', 'local.token': 'x' });
    const work = [join(base, 'kept')];
    const known = ownPlaces({ baseDirectories: [base], files: [join(base, 'kept', 'server')], work });
    const scan = await scanArtifacts({ ...limits, own: known, directories: work });
    expect(paths(scan)).toEqual(['a.txt']);
    const named = ownPlaces({ baseDirectories: [base], files: [], work: [base] });
    expect((await scanArtifacts({ ...limits, own: named, directories: [base] })).files).toEqual([]);
  });

  test('S-34: an agent beside others keeps the state of all of them', async () => {
    const base = temporaryDirectory('base');
    write(base, { 'workers/one/work/s/a.txt': 'x', 'workers/two/local.token': 'x', 'local.token': 'x' });
    const known = ownPlaces({ baseDirectories: [join(base, 'workers', 'one')], files: [], work: [] });
    const directories = [base, join(base, 'workers/two'), join(base, 'workers/one/work/s')];
    expect(paths(await scanArtifacts({ ...limits, own: known, directories }))).toEqual(['a.txt']);
  });

  test.skipIf(process.geteuid?.() !== 0)(
    'S-33: what belongs to another user is skipped, unless root takes it (needs root)',
    async () => {
      const root = temporaryDirectory('artifacts');
      chmodSync(root, 0o755);
      write(root, { 'mine.txt': 'x', 'deep/theirs.txt': 'x', 'theirs.txt': 'x' });
      const nobody = 65_534;
      chownSync(join(root, 'mine.txt'), nobody, nobody);
      process.seteuid?.(nobody);
      const scan = await scanArtifacts({ ...limits, directories: [root] }).finally(() =>
        process.seteuid?.(0),
      );
      expect(paths(scan)).toEqual(['mine.txt']);
      const reason = 'it belongs to another user';
      expect(scan.skipped).toEqual(['deep/theirs.txt', 'theirs.txt'].map((path) => ({ path, reason })));
      const all = await scanArtifacts({ ...limits, directories: [root] });
      expect(paths(all)).toEqual(['deep/theirs.txt', 'mine.txt', 'theirs.txt']);
    },
  );

  test('one file can be asked for by its name, and nothing else is looked at', async () => {
    const root = temporaryDirectory('artifacts');
    write(root, { 'cafe\u0301.txt': 'x', 'other.txt': 'x', 'deep/a.txt': 'x', '.env': 'x' });
    const one = (only: string) => scanArtifacts({ ...limits, directories: [root], only });
    expect(paths(await one('cafe\u0301.txt'))).toEqual(['caf\u00e9.txt']);
    expect(await one('.env')).toMatchObject({ files: [], skipped: [{ path: '.env', reason: 'private' }] });
    expect(await one('none')).toEqual({ files: [], skipped: [], skippedCount: 0 });
  });

  test('FIFOs and sockets are skipped without waiting', async () => {
    const root = temporaryDirectory('artifacts');
    const fifos = Array.from({ length: 8 }, (_, index) => join(root, `fifo-${index}`));
    execFileSync('mkfifo', fifos);
    const server = createServer().listen(join(root, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    write(root, { 'ok.txt': 'x' });
    const scan = await scanArtifacts({ ...limits, directories: [root] });
    server.close();
    expect(paths(scan)).toEqual(['ok.txt']);
    expect(scan.skippedCount).toBe(9);
  });

  test('an artifacts directory that is a link, or stands in one, is not entered', async () => {
    const outside = temporaryDirectory('outside');
    write(outside, { 'doc/secret.txt': 's' });
    const workspace = temporaryDirectory('workspace');
    symlinkSync(outside, join(workspace, '.keruta'));
    const other = temporaryDirectory('workspace');
    mkdirSync(join(other, '.keruta'));
    symlinkSync(join(outside, 'doc'), join(other, '.keruta', 'doc'));
    const directories = [join(workspace, '.keruta', 'doc'), join(other, '.keruta', 'doc')];
    const scan = await scanArtifacts({ ...limits, directories });
    expect(scan.files).toEqual([]);
    expect(scan.skipped.map(({ path }) => path)).toEqual(directories);
  });

  test('odd names are data; those that cannot be shown are skipped', async () => {
    const root = temporaryDirectory('artifacts');
    write(root, { '-rf': 'x', 'a b\u202Ec': 'x', 'cafe\u0301.txt': 'x', x: 'y' });
    writeFileSync(join(root, 'new\nline'), 'x');
    writeFileSync(join(root, 'esc\u001b[2J'), 'x');
    writeFileSync(Buffer.concat([Buffer.from(`${root}/bad-`), Buffer.from([0xff])]), 'x');
    const deep = join(root, ...Array.from({ length: 6 }, () => 'd'.repeat(200)));
    mkdirSync(deep, { recursive: true });
    writeFileSync(join(deep, 'f'), 'x');
    const scan = await scanArtifacts({ ...limits, directories: [root] });
    expect(paths(scan)).toEqual(['-rf', 'a b\u202Ec', 'caf\u00e9.txt', 'x']);
    expect(scan.skipped.map(({ reason }) => reason).sort()).toEqual([
      'its name holds a control character',
      'its name holds a control character',
      'its name is not UTF-8',
      'its path is longer than 1024 bytes',
    ]);
    expect(scan.skipped.map(({ path }) => path)).toContain('new\\x0aline');
  });

  test('limits of file, count and total are kept before anything is read', async () => {
    const root = temporaryDirectory('artifacts');
    write(root, { 'a.bin': 'x'.repeat(1_000), 'b.bin': 'x'.repeat(600), 'c.bin': 'x'.repeat(600) });
    writeFileSync(join(root, 'sparse.bin'), '');
    truncateSync(join(root, 'sparse.bin'), 1e12);
    const big = await scanArtifacts({ ...limits, maxTotalBytes: 1_700, directories: [root] });
    expect(paths(big)).toEqual(['a.bin', 'b.bin']);
    expect(big.skipped.map(({ path }) => path)).toEqual(['c.bin', 'sparse.bin']);
    const few = await scanArtifacts({ ...limits, maxCount: 1, directories: [root] });
    expect(paths(few)).toEqual(['a.bin']);
  });

  test('only files that are new or changed since the snapshot are taken', async () => {
    const root = temporaryDirectory('artifacts');
    write(root, { 'old.txt': 'old', 'rewritten.txt': 'one', 'grown.txt': 'a' });
    const previous = JSON.parse(JSON.stringify(await snapshotArtifacts({ own, directories: [root] })));
    write(root, { 'new.txt': 'new', 'rewritten.txt': 'two', 'grown.txt': 'ab' });
    utimesSync(join(root, 'rewritten.txt'), 1, 1);
    const scan = await scanArtifacts({ ...limits, previous, directories: [root] });
    expect(paths(scan)).toEqual(['grown.txt', 'new.txt', 'rewritten.txt']);
  });

  test('two directories are one list, and a path is taken once', async () => {
    const [one, two] = [temporaryDirectory('one'), temporaryDirectory('two')];
    write(one, { 'a.txt': '1', 'both.txt': '1' });
    write(two, { 'b.txt': '2', 'both.txt': '2' });
    const scan = await scanArtifacts({ ...limits, directories: [one, two, one] });
    expect(paths(scan)).toEqual(['a.txt', 'both.txt', 'b.txt']);
    expect(scan.skipped).toHaveLength(1);
  });

  test('ten thousand small files are found in good time', async () => {
    const root = temporaryDirectory('many');
    for (let index = 0; index < 10_000; index += 1) writeFileSync(join(root, `f${index}`), '');
    const scan = await scanArtifacts({ ...limits, maxCount: 20_000, directories: [root] });
    expect(scan.files).toHaveLength(10_000);
  });
});

test.each([
  ['a.md', 'テキストファイル'],
  ['a.PDF', 'PDFドキュメント'],
  ['a.tar.gz', 'アーカイブファイル'],
  ['a', '成果物ファイル'],
])('%s is described as %s', (path, description) => {
  expect(defaultDescription(path)).toBe(description);
});
