import { describe, expect, test } from 'vitest';
import { parseRepositoryUrl } from '../../../pkg/git/repository-url.ts';
import { badUrls } from '../../fixtures/hostile-names.ts';

const good = [
  ['https://example.org/team/app.git', 'https', 'https://example.org/team/app.git', 'example.org'],
  ['https://Example.org:8443/app', 'https', 'https://example.org:8443/app', 'example.org'],
  ['ssh://git@example.org/team/app.git', 'ssh', 'ssh://git@example.org/team/app.git', 'example.org'],
  ['ssh://git@example.org:2222/app', 'ssh', 'ssh://git@example.org:2222/app', 'example.org'],
  ['git@example.org:team/app.git', 'ssh', 'git@example.org:team/app.git', 'example.org'],
  ['git@example.org:~me/app', 'ssh', 'git@example.org:~me/app', 'example.org'],
  ['https://[2001:db8::1]/app.git', 'https', 'https://[2001:db8::1]/app.git', '[2001:db8::1]'],
] as const;

describe('parseRepositoryUrl', () => {
  test.each(good)('%s is taken', (text, kind, url, host) => {
    expect(parseRepositoryUrl(text, { allowLocal: false })).toEqual({ kind, url, host, credentials: null });
  });

  test.each(badUrls)('S-21: %s is refused', (_what, text) => {
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
