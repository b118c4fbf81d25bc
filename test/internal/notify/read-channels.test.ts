import { describe, expect, test } from 'vitest';
import { openChannels } from '../../../internal/notify/open-channels.ts';
import { readChannels } from '../../../internal/notify/read-channels.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { makeGuard } from '../../../pkg/outbound/guard.ts';

const read = (channels: unknown) => readChannels({ channels }, 'notify.yaml');
const slack = { type: 'slack', urlEnv: 'SLACK_URL' };
const mail = { type: 'mail', host: 'mail.example.com', from: 'a@example.com', to: 'b@example.com' };
const webhook = { type: 'webhook', url: 'https://example.com/hook', secretFile: '/etc/secret' };
const github = { type: 'github', repository: 'acme/site', issue: 7 };

describe('a file of channels', () => {
  test('has channels of all types, with secrets that are named and not told', () => {
    const specs = read({ slack, mail, webhook, github });
    expect(specs.map(({ name, secret }) => [name, secret])).toEqual([
      ['slack', { kind: 'variable', name: 'SLACK_URL' }],
      ['mail', null],
      ['webhook', { kind: 'file', path: '/etc/secret' }],
      ['github', null],
    ]);
    expect(specs[1]?.input).toMatchObject({ to: ['b@example.com'] });
  });

  test.each([
    [{ a: { type: 'pigeon' } }, 'channels.a.type'],
    [{ a: { ...slack, url: 'https://hooks.slack.com/x' } }, 'url'],
    [{ a: { type: 'slack' } }, 'urlEnv or urlFile, got neither'],
    [{ a: { ...slack, urlFile: '/x' } }, 'got both'],
    [{ a: { ...webhook, url: 'ftp://example.com' } }, 'expected an address such as'],
    [{ a: { ...webhook, url: 'https://ann:pw@example.com' } }, 'without user and password'],
    [{ a: { ...webhook, secretFile: 'relative' } }, 'absolute path'],
    [{ a: { ...mail, to: 'Ann <a@b.c>' } }, 'one mail address'],
    [{ a: { ...mail, from: 'a@b.c\nBcc: x@y.z' } }, 'one mail address'],
    [{ a: { ...mail, user: 'ann' } }, 'passwordEnv or passwordFile, got neither'],
    [{ a: { ...mail, passwordEnv: 'X' } }, 'expected a user'],
    [{ a: { ...github, pull: 7 } }, 'either issue or pull'],
    [{ a: { ...github, repository: 'site' } }, 'acme/site'],
    [{ 'a b': slack }, 'expected a name'],
  ])('that says %j is refused, and the fault is named', (channels, message) => {
    expect(() => read(channels)).toThrow(expect.objectContaining({ code: 'KERUTA_ERR_CONFIG' }));
    expect(() => read(channels)).toThrow(message);
  });

  test('tells all faults at once', () => {
    expect(() => read({ a: { type: 'slack' }, b: { ...github, pull: 1 } })).toThrow(
      /channels\.a.*channels\.b/,
    );
  });
});

describe('channels', () => {
  const open = (channels: object, allow: readonly string[] = []) =>
    openChannels(read(channels), {
      ...{ http: null as never, guard: makeGuard(allow), clock: systemClock, github: null },
      secret: () => 'x',
    });

  test.each([
    [{ a: { ...webhook, url: 'http://127.1/hook' } }, 'loopback'],
    [{ a: { ...webhook, url: 'http://169.254.169.254/latest' } }, 'link-local'],
    [{ a: { ...webhook, url: 'https://[::ffff:10.0.0.1]/' } }, 'IPv4 in another form'],
    [{ a: { ...mail, host: 'localhost' } }, 'the machine itself'],
    [{ a: { ...mail, host: 'metadata.google.internal' } }, 'the machine itself'],
    [{ a: { ...mail, security: 'none' } }, 'security: none'],
    [{ a: github }, 'no GitHub App'],
  ])('%j can never work, and is refused when the server starts', (channels, message) => {
    expect(() => open(channels)).toThrow(message);
  });

  test('inside the own network are made when they are allowed by name', () => {
    const channels = {
      a: { ...webhook, url: 'http://127.0.0.1:9/' },
      b: { ...mail, host: 'localhost', security: 'none' },
    };
    expect(open(channels, ['127.0.0.1', 'localhost']).map(({ name, type }) => [name, type])).toEqual([
      ['a', 'webhook'],
      ['b', 'mail'],
    ]);
  });
});
