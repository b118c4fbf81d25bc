import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type UnitParts, unitText } from '../../../cmd/keruta/roles/unit-text.ts';
import { cli, temporaryDirectory } from '../harness.ts';

const parts: UnitParts = {
  program: ['/usr/bin/keruta'],
  words: ['daemon', '--session-id=web'],
  environment: [],
  user: 'me',
  tokenFile: null,
  version: '1.2.3',
};

/** Sections and their settings; strict: every line is a comment, a section, a setting that is known, or empty. */
function readUnit(text: string): Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> {
  const known: Readonly<Record<string, RegExp>> = {
    Unit: /^(Description|Wants|After|StartLimitIntervalSec)$/,
    Service:
      /^(Type|NotifyAccess|TimeoutStartSec|WatchdogSec|WatchdogSignal|User|WorkingDirectory|Environment|LoadCredential|ExecStart|KillMode|TimeoutStopSec|Restart|RestartSec|RestartSteps|RestartMaxDelaySec|RestartPreventExitStatus|OOMPolicy|KeyringMode)$/,
    Install: /^WantedBy$/,
  };
  const sections: Record<string, Record<string, string[]>> = {};
  let section = '';
  for (const line of text.split('\n')) {
    const [, opened] = /^\[(\w+)\]$/.exec(line) ?? [];
    if (opened !== undefined) {
      section = opened;
      sections[section] = {};
    } else if (line !== '' && !line.startsWith('#')) {
      const [, key = '', value = ''] = /^(\w+)=(\S.*)$/.exec(line) ?? [];
      if (!known[section]?.test(key)) throw new Error(`not a setting of [${section}]: ${line}`);
      const entries = sections[section] ?? {};
      entries[key] = [...(entries[key] ?? []), value];
    }
  }
  return sections;
}

const service = (change: Partial<UnitParts> = {}) =>
  readUnit(unitText({ ...parts, ...change })).Service ?? {};

describe('a unit', () => {
  test('lets runs outlive the agent, speaks to systemd, and comes back after a fault', () => {
    expect(service()).toMatchObject({
      Type: ['notify'],
      NotifyAccess: ['all'],
      WatchdogSec: ['60'],
      KillMode: ['process'],
      Restart: ['on-failure'],
      OOMPolicy: ['continue'],
      User: ['me'],
      ExecStart: [
        `/usr/bin/keruta daemon --session-id=web --api-token-file=\${CREDENTIALS_DIRECTORY}/api-token`,
      ],
      LoadCredential: ['api-token:/etc/keruta/api-token'],
    });
  });

  test('F-12: is started again after each of any number of crashes, more and more rarely, 5 s to 5 min apart', () => {
    expect(readUnit(unitText(parts)).Unit).toMatchObject({ StartLimitIntervalSec: ['0'] });
    expect(service()).toMatchObject({
      Restart: ['on-failure'],
      RestartSec: ['5'],
      RestartSteps: ['6'],
      RestartMaxDelaySec: ['300'],
    });
  });

  test('of one person has neither user nor credential of the machine', () => {
    const text = unitText({ ...parts, user: null });
    expect(readUnit(text).Install).toEqual({ WantedBy: ['default.target'] });
    expect(readUnit(text).Service).not.toHaveProperty('User');
    expect(service({ user: null }).ExecStart).toEqual([
      '/usr/bin/keruta daemon --session-id=web --api-token-file=%h/.keruta/api-token',
    ]);
  });

  test.each([
    ['a b', '"a b"'],
    ['100%', '100%%'],
    ['$HOME', '$$HOME'],
    ['say "x"', '"say \\"x\\""'],
    ['back\\slash', '"back\\\\slash"'],
    ['a;b', '"a;b"'],
    ['', '""'],
  ])('writes the word %j as %s', (word, written) => {
    expect(service({ words: [word], tokenFile: 'config' }).ExecStart).toEqual([`/usr/bin/keruta ${written}`]);
  });

  test('takes no text that would begin another line', () => {
    const words = ['--session-id=x\nExecStartPre=/bin/evil'];
    expect(() => unitText({ ...parts, words })).toThrow('cannot hold');
    expect(() => unitText({ ...parts, environment: [['A', 'x\ny']] })).toThrow('cannot hold');
    expect(() => unitText({ ...parts, tokenFile: '/a\nb' })).toThrow('cannot hold');
  });

  test('names the token file that is set, and none when the token is in the configuration file', () => {
    expect(service({ tokenFile: '/srv/t' }).LoadCredential).toEqual(['api-token:/srv/t']);
    expect(service({ tokenFile: 'config' })).not.toHaveProperty('LoadCredential');
  });
});

describe('keruta daemon unit', () => {
  const env = {
    KERUTA_API_TOKEN: 'krt_ses_secret',
    KERUTA_API_URL: 'http://keruta.example:8585',
    KERUTA_TASK_ID: 'of-a-run',
  };
  const words = [
    'daemon',
    'unit',
    '--session-id',
    'my site',
    '--base-dir',
    'state',
    '--once',
    '--poll-interval',
    '10',
  ];

  test('takes over flags and environment, with absolute paths, and never the token', async () => {
    const home = temporaryDirectory();
    const { status, out } = await cli(words, { home, env });
    expect(status).toBe(0);
    expect(out).not.toContain('krt_ses_secret');
    expect(out).not.toContain('of-a-run');
    const { ExecStart = [], Environment, User } = readUnit(out).Service ?? {};
    expect(Environment).toEqual(['KERUTA_API_URL=http://keruta.example:8585']);
    expect(ExecStart[0]).toContain(' daemon ');
    for (const word of [
      '"--session-id=my site"',
      `--base-dir=${home}/state`,
      '--once',
      '--poll-interval=10s',
    ]) {
      expect(ExecStart[0]).toContain(word);
    }
    expect(User).toEqual([process.getuid?.() === 0 ? 'keruta' : userInfo().username]);
  });

  const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
  // settings of 254, which older ones pass over: that is said beside them
  const isNewHere = /Unknown key (name )?'Restart(Steps|MaxDelaySec)' in section/;
  test.skipIf(!hasAnalyze)(
    'systemd-analyze finds nothing wrong with it (skipped where there is none)',
    async () => {
      const place = temporaryDirectory();
      for (const user of [[], ['--user']]) {
        const { out } = await cli([...words, ...user], { env });
        const file = join(place, `keruta${user.length}.service`);
        writeFileSync(file, out);
        const verified = spawnSync('systemd-analyze', [...user, 'verify', file], {
          encoding: 'utf8',
          env: { PATH: process.env.PATH, HOME: place, XDG_RUNTIME_DIR: place },
          timeout: 60_000,
        });
        const said = verified.stderr.split('\n').filter((line) => line.includes('keruta'));
        const about = said.filter((line) => !isNewHere.test(line));
        expect({ status: verified.status, about }).toEqual({ status: 0, about: [] });
      }
    },
  );
});
