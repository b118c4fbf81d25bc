import { describe, expect, test } from 'vitest';
import { localEnvironment, remoteEnvironment } from '../../../pkg/git/environment.ts';
import { createGit } from '../../../pkg/git/git.ts';
import { faultOf, GitError, quote } from '../../../pkg/git/git-error.ts';
import { parseRepositoryUrl } from '../../../pkg/git/repository-url.ts';
import { gitVersion, judgeVersion } from '../../../pkg/git/version.ts';
import { checkoutCommit, parseStatus } from '../../../pkg/git/work-tree.ts';
import { temporaryDirectory } from '../../fixtures/git.ts';

const privateDirectory = temporaryDirectory('private');
const parts = {
  environment: { PATH: '.:/usr/bin::/bin:bin', HOME: '/home/me', TOKEN: 'hush', https_proxy: 'http://p:1' },
  credentials: 'inherit' as const,
  allowLocal: false,
  privateDirectory,
};
const url = (text: string) => parseRepositoryUrl(text, { allowLocal: false });

describe('the environment of git', () => {
  test('a local call sees nothing of the start-time environment but absolute places of PATH', () => {
    const env = localEnvironment(parts);
    expect(env).toMatchObject({
      PATH: '/usr/bin:/bin',
      HOME: privateDirectory,
      GIT_CONFIG_GLOBAL: '/dev/null',
    });
    expect(JSON.stringify(env)).not.toMatch(/hush|home\/me/);
  });

  test('a remote call inherits where credentials and proxies are, and nothing else', async () => {
    const { env, options } = await remoteEnvironment(parts, url('https://example.org/app'));
    expect(env).toMatchObject({ HOME: '/home/me', https_proxy: 'http://p:1', GIT_TERMINAL_PROMPT: '0' });
    expect(env.TOKEN ?? env.GIT_CONFIG_GLOBAL).toBeUndefined();
    expect(options).toEqual([]);
  });

  test('without credentials it is closed', async () => {
    const { env, options } = await remoteEnvironment(
      { ...parts, credentials: 'none' },
      url('https://example.org/app'),
    );
    expect(env).toMatchObject({
      HOME: privateDirectory,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_ASKPASS: '/bin/false',
    });
    expect(env.https_proxy).toBeUndefined();
    expect(options).toEqual(['-c', 'credential.helper=']);
  });

  test('a name alone in the address is a hint for the helper of the person', async () => {
    const with2 = { ...parts, environment: { ...parts.environment, GIT_CONFIG_COUNT: '2' } };
    const { env } = await remoteEnvironment(with2, url('https://me@example.org/app'));
    expect(env).toMatchObject({ GIT_CONFIG_COUNT: '3', GIT_CONFIG_VALUE_2: 'me' });
  });
});

describe('faultOf', () => {
  test.each([
    ['fatal: could not read Username for x: terminal prompts disabled', 'auth'],
    ['git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.', 'auth'],
    ['Host key verification failed.\nfatal: Could not read from remote repository.', 'auth'],
    ["fatal: unable to access 'https://h/': Could not resolve host: h", 'unreachable'],
    ["fatal: repository 'https://h/x/' not found", 'unreachable'],
    ["fatal: couldn't find remote ref refs/heads/x", 'ref-not-found'],
    ['fatal: bad object HEAD', 'damaged'],
    ['remote: fatal: bad object HEAD', 'failed'],
    ["fatal: Unable to create '/x/.git/index.lock': File exists.", 'locked'],
    ["fatal: detected dubious ownership in repository at '/x'", 'ownership'],
    ['something else', 'failed'],
  ])('%j is %s', (stderr, fault) => {
    expect(faultOf(stderr, { remote: true, fallback: 'failed' })).toBe(fault);
  });

  test('a permission on a file is no question of credentials', () => {
    expect(
      faultOf("error: unable to unlink 'x': Permission denied", { remote: false, fallback: 'failed' }),
    ).toBe('failed');
  });
});

describe('quote', () => {
  test('it is short, one line, and without credentials, hints and control bytes', () => {
    const text = `hint: no\nfatal: https://me:pw@h/x \u001b[31mbad\r\nsecret-value ${'y'.repeat(2_000)}`;
    const shown = quote(text, ['secret-value']);
    expect(shown).toMatch(/^fatal: https:\/\/h\/x \[31mbad; \*\*\* y+…$/);
    expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(500);
  });

  test('it leaves out the advice to trust the directory of somebody else', () => {
    const exception =
      'To add an exception for this directory, call:\n\n\tgit config --global --add safe.directory /x';
    expect(quote(`fatal: detected dubious ownership in repository at '/x'\n${exception}\n`)).toBe(
      "fatal: detected dubious ownership in repository at '/x'",
    );
  });

  test('it does not cut a letter in two', () => {
    expect(quote('é'.repeat(600))).toMatch(/^é+…$/);
  });
});

describe('parseStatus', () => {
  test('reads branch, commit and every kind of change', () => {
    const oid = 'a'.repeat(40);
    const output = [
      `# branch.oid ${oid}`,
      '# branch.head feature/x',
      `1 .M N... 100644 100644 100644 ${oid} ${oid} a b.txt`,
      `2 R. N... 100644 100644 100644 ${oid} ${oid} R100 new name`,
      'old name',
      `u UU N... 100644 100644 100644 100644 ${oid} ${oid} ${oid} both.txt`,
      '? new\nfile',
      '',
    ].join('\0');
    expect(parseStatus(output)).toEqual({
      commit: oid,
      branch: 'refs/heads/feature/x',
      changes: ['a b.txt', 'new name', 'both.txt', 'new\nfile'],
    });
  });

  test('an unborn and a detached HEAD are null', () => {
    expect(parseStatus('# branch.oid (initial)\0# branch.head (detached)\0')).toEqual({
      commit: null,
      branch: null,
      changes: [],
    });
  });
});

describe('git', () => {
  test('says its version', async () => {
    const { text } = await gitVersion(createGit(parts), { timeoutMs: 5_000 });
    expect(text).toMatch(/^\d+\.\d+/);
  });

  test.each([
    ['git version 2.39.5', true],
    ['git version 2.43.7', false],
    ['git version 2.43.6', true],
    ['git version 2.50.1 (Apple Git-155)', false],
    ['git version 2.55.0', false],
    ['git version 3.0.0', false],
    ['git version 2.20.1', true],
    ['nonsense', true],
  ])('%s has a warning: %s', (output, warned) => {
    expect(judgeVersion(output).warning !== null).toBe(warned);
  });

  test('no time left is a timeout, and a name is no commit to check out', async () => {
    const call = { directory: '/', timeoutMs: 0, args: ['version'] };
    await expect(createGit(parts).local(call)).rejects.toMatchObject({ fault: 'timeout' });
    const named = { directory: '/', timeoutMs: 1_000, commit: 'main', branch: null };
    await expect(checkoutCommit(createGit(parts), named)).rejects.toBeInstanceOf(GitError);
  });
});
