import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CommandContext } from '../../cmd/keruta/command.ts';
import { type StartedServer, startServer } from '../../cmd/keruta/roles/start-server.ts';
import { loadSettings } from '../../internal/config/load-settings.ts';
import { settingKeys, settingsTable } from '../../internal/config/table.ts';
import { notifyEvents, templateWords } from '../../internal/domain/notification.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { silentLog } from '../../pkg/log/log.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import { cli } from '../cmd/harness.ts';
import { type FakeServer, startFakeServer } from '../fake-server/fake-server.ts';
import { type FakeSmtp, startFakeSmtp } from '../pkg/mail/fake-smtp.ts';

const guide = readFileSync(resolve(import.meta.dirname, '../../docs/notifications.md'), 'utf8');
const blocks = (language: string) =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text);
const files = new Map(blocks('yaml').map((text) => [/^# (\S+\.yaml)\n/.exec(text)?.[1] ?? '', text]));
const commands = blocks('console').flatMap((block) => block.split('\n').filter((line) => line !== ''));

let home = '';
let server: StartedServer;
let web: FakeServer;
let smtp: FakeSmtp;

/** The channels of the guide, at servers of this machine. */
function channelsHere(): string {
  const text = files.get('channels.yaml') ?? '';
  return text
    .replaceAll('/etc/keruta/', `${home}/`)
    .replace('https://pager.example.com/keruta', `${web.url}/pager`)
    .replace('host: mail.example.com', 'host: 127.0.0.1')
    .replace('port: 587', `port: ${smtp.port}`)
    .replace('security: starttls', 'security: none');
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'keruta-notifications-'));
  web = await startFakeServer();
  web.route('POST', '/slack', { status: 200, text: 'ok' });
  web.route('POST', '/pager', { status: 204 });
  smtp = await startFakeSmtp();
  writeFileSync(join(home, 'slack-url'), `${web.url}/slack\n`);
  writeFileSync(join(home, 'mail-password'), 'sesame\n');
  for (const [name, text] of files) writeFileSync(join(home, name), text);
  writeFileSync(join(home, 'channels.yaml'), channelsHere());
  const uid = process.getuid?.() ?? 0;
  const variables = { PAGER_KEY: 'a key', KERUTA_NOTIFY_FILE: join(home, 'channels.yaml') };
  const env = { ...variables, KERUTA_NOTIFY_ALLOW: '127.0.0.1', PORT: '0' };
  const context = { clock: systemClock, random: systemRandom, uid, version: '9.9.9', env };
  const { values } = loadSettings({ env, isServer: true, home, uid, cwd: home });
  server = await startServer(context as unknown as CommandContext, values, silentLog);
}, 60_000);
afterAll(async () => {
  await server?.close();
  await Promise.all([web?.close(), smtp?.close()]);
  rmSync(home, { recursive: true, force: true });
});

const keruta = (line: string) =>
  cli(line.replace(/^\$ keruta /, '').split(' '), { home, cwd: home, env: { KERUTA_API_URL: server.url } });

describe('the guide to notifications', () => {
  test('has files that are taken and commands that succeed in turn, and messages arrive', async () => {
    expect([...files.keys()]).toEqual(['channels.yaml', 'nightly.yaml', 'quiet.yaml']);
    expect(commands.length).toBeGreaterThan(7);
    for (const line of commands) {
      const { status, err } = await keruta(line);
      const isSaid = status === 0 && !/warning/i.test(err) ? '' : err;
      expect({ line, status, err: isSaid }).toEqual({ line, status: 0, err: '' });
    }
    expect(web.requests.map(({ path }) => path)).toEqual(['/slack']);
    expect(smtp.mails).toMatchObject([
      { login: 'keruta:sesame', to: ['ann@example.com', 'bob@example.com'] },
    ]);
  }, 60_000);

  test('names every event, every word of templates and every setting there is', () => {
    for (const event of notifyEvents) expect(guide).toContain(`\`${event}\``);
    for (const word of Object.keys(templateWords)) expect(guide).toContain(`{${word}}`);
    const settings = settingKeys.filter((key) => key.startsWith('notify'));
    for (const key of settings) expect(guide).toContain(settingsTable[key].variables[0]);
    const events = [...guide.matchAll(/^\| ((?:`[a-z_]+`(?:, )?)+) \| /gm)].flatMap(([, names = '']) => [
      ...names.matchAll(/[a-z_]+/g),
    ]);
    const named = events.map(([name]) => name);
    for (const name of named.filter((one) => one.includes('_'))) expect(notifyEvents).toContain(name);
  });
});
