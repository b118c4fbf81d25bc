import { describe, expect, test } from 'vitest';
import { parseRepositoryUrl } from '../../../pkg/git/repository-url.ts';

const good = [
  ['https://example.org/team/app.git', 'https', 'https://example.org/team/app.git', 'example.org'],
  ['https://Example.org:8443/app', 'https', 'https://example.org:8443/app', 'example.org'],
  ['ssh://git@example.org/team/app.git', 'ssh', 'ssh://git@example.org/team/app.git', 'example.org'],
  ['ssh://git@example.org:2222/app', 'ssh', 'ssh://git@example.org:2222/app', 'example.org'],
  ['git@example.org:team/app.git', 'ssh', 'git@example.org:team/app.git', 'example.org'],
  ['git@example.org:~me/app', 'ssh', 'git@example.org:~me/app', 'example.org'],
  ['https://[2001:db8::1]/app.git', 'https', 'https://[2001:db8::1]/app.git', '[2001:db8::1]'],
] as const;

const bad = [
  ['empty', ''],
  ['ext helper', 'ext::sh -c touch% /tmp/x'],
  ['ext helper without space', 'ext::/bin/touch'],
  ['fd helper', 'fd::17'],
  ['helper around https', 'foo::https://example.org/app'],
  ['file address', 'file:///etc'],
  ['upper-case file address', 'FILE:///etc'],
  ['path', '/srv/app.git'],
  ['relative path', '../app.git'],
  ['option', '--upload-pack=touch /tmp/x'],
  ['ssh option', '-oProxyCommand=touch'],
  ['host that is an option', 'ssh://-oProxyCommand=touch/app'],
  ['host that is an option, short form', 'git@-oProxyCommand=touch:app'],
  ['user that is an option', 'ssh://-x@example.org/app'],
  ['path that is an option', 'git@example.org:-x'],
  ['plain http', 'http://example.org/app.git'],
  ['git protocol', 'git://example.org/app.git'],
  ['ftp', 'ftp://example.org/app.git'],
  ['newline', 'https://example.org/app\n.git'],
  ['NUL', 'https://example.org/app\0.git'],
  ['escape', 'https://example.org/\u001b[2Japp.git'],
  ['carriage return in the password', 'https://u:p%0dx@example.org/app.git'],
  ['space', 'https://example.org/my app'],
  ['no path', 'https://example.org'],
  ['only a slash', 'https://example.org/'],
  ['password for ssh', 'ssh://git:secret@example.org/app.git'],
  ['fragment', 'https://example.org/app#x'],
  ['short form without user', 'example.org:app'],
  ['word', 'app'],
  ['too long', `https://example.org/${'a'.repeat(3_000)}`],
] as const;

describe('parseRepositoryUrl', () => {
  test.each(good)('%s is taken', (text, kind, url, host) => {
    expect(parseRepositoryUrl(text, { allowLocal: false })).toEqual({ kind, url, host, credentials: null });
  });

  test.each(bad)('%s is refused', (_what, text) => {
    expect(() => parseRepositoryUrl(text, { allowLocal: false })).toThrow(
      expect.objectContaining({ fault: 'refused' }),
    );
  });

  test('credentials are taken out of an https address', () => {
    const url = parseRepositoryUrl('https://me:p%40ss@example.org/app.git', { allowLocal: false });
    expect(url.url).toBe('https://example.org/app.git');
    expect(url.credentials).toEqual({ username: 'me', password: 'p@ss' });
  });

  test('a user name alone is taken out as well', () => {
    const url = parseRepositoryUrl('https://token123@example.org/app.git', { allowLocal: false });
    expect(url.url).not.toContain('token123');
    expect(url.credentials).toEqual({ username: 'token123', password: null });
  });

  test('a refusal never repeats user-info', () => {
    const refuse = () => parseRepositoryUrl('http://me:secret@example.org/app.git', { allowLocal: false });
    expect(refuse).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }));
    const ssh = () => parseRepositoryUrl('ssh://git:secret@example.org/app', { allowLocal: false });
    expect(ssh).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }));
  });

  test.each([
    ['/srv/app.git', '/srv/app.git'],
    ['file:///srv/app.git', 'file:///srv/app.git'],
    ['file://localhost/srv/app.git', 'file:///srv/app.git'],
  ])('%s is taken when local repositories are allowed', (text, url) => {
    expect(parseRepositoryUrl(text, { allowLocal: true })).toMatchObject({ kind: 'local', url });
  });

  test.each(['file://host/srv/app', '//host/app', 'ext::x', '-x', './app'])(
    '%s is refused also when local repositories are allowed',
    (text) => {
      expect(() => parseRepositoryUrl(text, { allowLocal: true })).toThrow(/refused/);
    },
  );
});
