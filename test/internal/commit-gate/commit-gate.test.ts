import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkIndex, type GateCall } from '../../../internal/commit-gate/check-index.ts';
import { judgeCommit } from '../../../internal/commit-gate/judge.ts';
import { createGit } from '../../../pkg/git/git.ts';
import { formsOf } from '../../../pkg/redact/forms.ts';
import { git, makeRepository, temporaryDirectory, write } from '../../fixtures/git.ts';

const value = `gate-"s3cret"\nof <two> lines`;
const secrets = [
  { name: 'DEPLOY_TOKEN', value },
  { name: 'OTHER', value: 'other-value' },
];
const numbered = (count: number) => Array.from({ length: count }, (_, at) => `line ${at + 1}\n`).join('');

/** Stages everything in a repository and asks the gate. */
async function gate(directory: string, rules: Partial<GateCall> = {}) {
  git(directory, 'add', '--all');
  const parts = {
    environment: { PATH: process.env.PATH },
    credentials: 'none',
    allowLocal: false,
    privateDirectory: temporaryDirectory('private'),
  } as const;
  const findings = await checkIndex(createGit(parts), {
    directory,
    secrets,
    maxFileBytes: 100_000,
    timeoutMs: 20_000,
    ...rules,
  });
  // whatever is found: it is told without the secret
  for (const form of formsOf(value))
    expect(JSON.stringify(findings)).not.toContain(Buffer.from(form).toString());
  return findings.map(({ file, line, reason }) => `${file}:${line ?? '*'} ${reason}`);
}

describe('the commit gate', () => {
  test('lets an ordinary change pass: new, changed, renamed, deleted, executable and empty files, links', async () => {
    const repository = makeRepository({
      'a.txt': numbered(50),
      'b.txt': numbered(3),
      'c d.txt': 'c\n',
      'x.sh': 'true\n',
    });
    write(repository, { 'a.txt': numbered(60), 'new/file.md': 'Title\n=======\n\ntext\n', empty: '' });
    renameSync(join(repository, 'b.txt'), join(repository, 'b 2.txt'));
    rmSync(join(repository, 'c d.txt'));
    chmodSync(join(repository, 'x.sh'), 0o755);
    symlinkSync('a.txt', join(repository, 'link'));
    writeFileSync(join(repository, 'binary'), randomBytes(50_000));
    expect(await gate(repository)).toEqual([]);
  });

  test('has nothing to say when nothing is staged, and judges a first commit', async () => {
    expect(await gate(makeRepository({ a: 'a\n' }))).toEqual([]);
    const fresh = temporaryDirectory('fresh');
    git(fresh, 'init', '--quiet');
    write(fresh, { a: 'x other-value x\n' });
    expect(await gate(fresh)).toEqual(['a:1 secret']);
  });

  test('finds a secret in every form, with file and line, and names its variable', async () => {
    const repository = makeRepository({ 'a.txt': numbered(20) });
    const forms = formsOf(value).filter((form) => !form.includes(10));
    const lines = forms.map((form) => `x = ${Buffer.from(form).toString()} ;\n`);
    write(repository, { 'forms.txt': lines.join(''), 'a.txt': `${numbered(11)}other-value\n${numbered(9)}` });
    const found = await gate(repository, {});
    expect(found[0]).toBe('a.txt:12 secret');
    expect(found.slice(1)).toEqual(lines.slice(0, 20).map((_, at) => `forms.txt:${at + 1} secret`));
    for (const [at, line] of lines.entries()) {
      const [one] = judgeCommit(
        { secrets, maxFileBytes: 1000 },
        [{ path: 'f', kind: 'file', bytes: 100, isChanged: true }],
        [{ path: 'f', lines: [{ number: 1, text: line.trimEnd(), isAdded: true }] }],
      );
      expect(one?.detail, forms[at]?.toString()).toBe('line 1 holds the value of DEPLOY_TOKEN');
    }
  });

  test('finds a secret at whichever line of whichever change it stands', async () => {
    const repository = makeRepository({ a: 'a\n' });
    const line = fc.constantFrom(
      '',
      'x',
      'y',
      '+',
      '-',
      '@@ -1 +1 @@',
      '+++ b/z',
      '\\ No newline at end of file',
    );
    const lines = fc.array(line, { maxLength: 8 });
    const property = fc.asyncProperty(lines, lines, lines, async (before, top, bottom) => {
      write(repository, { f: before.join('\n') });
      git(repository, 'add', 'f');
      git(repository, 'commit', '--quiet', '--allow-empty', '--message', 'x');
      write(repository, { f: [...top, 'x other-value', ...bottom].join('\n') });
      expect(await gate(repository)).toEqual([`f:${top.length + 1} secret`]);
    });
    await fc.assert(property, { numRuns: 20 });
  });

  test('finds a secret of several lines of which only one is new, and none that was there before', async () => {
    const repository = makeRepository({
      half: 'begin\naaa\nbbb\nend\n',
      old: `${value}\nmore\n`,
    });
    write(repository, { half: 'begin\naaa\nxxx\nbbb\nend\n', old: `${value}\nmore\nand more\n` });
    const spread = [{ name: 'SPREAD', value: 'aaa\nxxx\nbbb' }, ...secrets];
    expect(await gate(repository, { secrets: spread })).toEqual(['half:3 secret']);
  });

  test('finds secrets in binary files, in very long lines, behind CRLF and in the target of a link', async () => {
    const repository = makeRepository({ a: 'a\n' });
    writeFileSync(
      join(repository, 'binary'),
      Buffer.concat([randomBytes(20_000), Buffer.from('\0other-value\0'), randomBytes(20_000)]),
    );
    write(repository, {
      long: `${'x'.repeat(80_000)}other-value${'y'.repeat(10_000)}`,
      crlf: 'a\r\nother-value\r\n',
    });
    symlinkSync('/srv/other-value/x', join(repository, 'link'));
    write(repository, { '.gitattributes': '* -diff\n*.x binary\n', 'hidden.x': 'other-value\n' });
    expect((await gate(repository)).map((one) => one.replace(/:\d+ /, ' '))).toEqual([
      'binary secret',
      'crlf secret',
      'hidden.x secret',
      'link secret',
      'long secret',
    ]);
  });

  test('looks at a renamed file as a whole, and masks a name that holds a secret', async () => {
    const repository = makeRepository({ 'before.txt': `${numbered(5)}other-value\n`, other: 'x\n' });
    renameSync(join(repository, 'before.txt'), join(repository, 'after other-value.txt'));
    expect(await gate(repository)).toEqual([
      'after ***********.txt:* secret',
      'after ***********.txt:6 secret',
    ]);
  });

  test('is not led astray by odd names, nor by content that looks like a diff', async () => {
    const repository = makeRepository({ a: 'a\n' });
    const odd = [
      'new\nline',
      'tab\there',
      'quo"te',
      ' space ',
      '-dash',
      ':(top)magic',
      '*',
      'back\\slash',
      'é日',
      'b/a',
      'x\r',
    ];
    const trap = '+++ b/safe\n@@ -0,0 +1,9 @@\ndiff --git a/x b/x\n--- a/x\n';
    for (const name of odd) write(repository, { [name]: `${trap}other-value\n` });
    const found = await gate(repository);
    expect(found.toSorted()).toEqual(odd.map((name) => `${name}:5 secret`).toSorted());
  });

  test('keeps back what it could not look at', async () => {
    const repository = makeRepository({ a: 'a\n' });
    const name = Buffer.concat([Buffer.from(`${repository}/bad-`), Buffer.from([0xff])]);
    writeFileSync(name, 'other-value\n');
    expect(await gate(repository)).toEqual(['bad-\uFFFD:* unread']);
    const staged = [{ path: 'a', kind: 'file', bytes: 3, isChanged: true }] as const;
    const rules = { secrets, maxFileBytes: 10 };
    expect(judgeCommit(rules, staged, null)).toMatchObject([{ file: 'a', reason: 'unread' }]);
    expect(judgeCommit(rules, staged, [])).toMatchObject([{ file: 'a', reason: 'unread' }]);
  });

  test('blames a file of too many lines alone, not those that were looked at with it', async () => {
    const repository = makeRepository({ a: 'a\n' });
    write(repository, { before: 'b\n', lines: '\n'.repeat(1_000_001), other: 'other-value\n' });
    expect(await gate(repository, { maxFileBytes: 2_000_000 })).toEqual(['lines:* unread', 'other:1 secret']);
  });

  test('refuses a file at one byte over the limit, and compares one that was far larger', async () => {
    const repository = makeRepository({ was: 'x\n'.repeat(20 * 1024 * 1024), a: 'a\n' });
    write(repository, { exact: 'x'.repeat(1000), over: 'x'.repeat(1001), was: 'small\nother-value\n' });
    expect(await gate(repository, { maxFileBytes: 1000 })).toEqual(['over:* too-large', 'was:2 secret']);
  });

  test('refuses names that hold credentials or our own state, wherever they are; not their removal', async () => {
    const repository = makeRepository({ '.env': 'A=1\n', a: 'a\n' });
    rmSync(join(repository, '.env'));
    write(repository, {
      'app/.env': 'x\n',
      '.npmrc': 'x\n',
      'x/.NETRC': 'x\n',
      'home/.ssh/id_ed25519': 'x\n',
      '.keruta/doc/report.md': 'x\n',
      '.env.example': 'x\n',
      'environment.env': 'x\n',
      'ssh/config': 'x\n',
    });
    expect((await gate(repository)).map((one) => one.split(':')[0])).toEqual([
      '.keruta/doc/report.md',
      '.npmrc',
      'app/.env',
      'home/.ssh/id_ed25519',
      'x/.NETRC',
    ]);
  });

  test('finds markers of conflicts at the beginning of new lines, and paths that are in conflict', async () => {
    const repository = makeRepository({ a: 'one\n', 'old-marker': '<<<<<<< kept\n' });
    git(repository, 'checkout', '-q', '-b', 'side');
    write(repository, { a: 'two\n' });
    git(repository, 'commit', '-qam', 'two');
    git(repository, 'checkout', '-q', 'main');
    write(repository, { a: 'three\n' });
    git(repository, 'commit', '-qam', 'three');
    expect(() => git(repository, 'merge', 'side')).toThrow();
    const parts = {
      environment: { PATH: process.env.PATH },
      credentials: 'none',
      allowLocal: false,
    } as const;
    const own = createGit({ ...parts, privateDirectory: temporaryDirectory('private') });
    const call = { directory: repository, secrets, maxFileBytes: 1000, timeoutMs: 20_000 };
    expect(await checkIndex(own, call)).toMatchObject([{ file: 'a', reason: 'unmerged' }]);

    write(repository, {
      'old-marker': '<<<<<<< kept\nmore\n',
      quoted: '  <<<<<<< indented\n<<<<<<<< eight\n=======\n',
    });
    expect(await gate(repository)).toEqual(['a:1 conflict-marker', 'a:5 conflict-marker']);
  });

  test('reads submodules as what they are, and takes no notice of a hostile configuration', async () => {
    const repository = makeRepository({ a: 'a\n' });
    const inner = join(repository, 'inner');
    mkdirSync(inner);
    git(inner, 'init', '--quiet');
    git(inner, 'commit', '--quiet', '--allow-empty', '-m', 'x');
    for (const setting of [
      'noprefix=true',
      'mnemonicPrefix=true',
      'context=0',
      'external=/bin/false',
      'submodule=log',
      'relative=true',
      'renames=copies',
      'interHunkContext=9',
      'ignoreSubmodules=all',
      'suppressBlankEmpty=true',
      'orderFile=/dev/null',
    ]) {
      git(repository, 'config', `diff.${setting.split('=')[0]}`, setting.split('=')[1] ?? '');
    }
    git(repository, 'config', 'color.ui', 'always');
    write(repository, { 'sub dir/b': 'x\nother-value\n', a: 'a\n\n\nb\n' });
    git(repository, 'add', 'a');
    git(repository, 'commit', '--quiet', '--message', 'empty lines');
    write(repository, { a: 'a\n\n\nother-value\n' });
    expect(await gate(repository)).toEqual(['a:4 secret', 'sub dir/b:2 secret']);
  });
});
