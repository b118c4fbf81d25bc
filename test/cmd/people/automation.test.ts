import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { readAutomation } from '../../../cmd/keruta/people/automation-file.ts';
import { readToml } from '../../../cmd/keruta/people/toml-lines.ts';
import type { StartedServer } from '../../../cmd/keruta/roles/start-server.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { cli } from '../harness.ts';
import { startServerIn } from '../server-in-home.ts';

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'keruta-automation-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
});

/** The one of the Kagura document, but for the name of the directory of its files. */
const seed = `[automation]
enabled = true

[automation.daemon]
pid_file = "~/.keruta/daemon.pid"
log_file = "~/.keruta/daemon.log"

[automation.schedule]
# jobs
[[automation.schedule.jobs]]
name = "morning_report"
agent = "reports.morning_report"
cron = "0 9 * * *"
enabled = true

[[automation.schedule.jobs]]
name = "health_check"
agent = "monitoring.health_check"
cron = "*/30 * * * *"
enabled = true

[automation.webhook]
enabled = true
port = 8000
secret = "\${WEBHOOK_SECRET}"

# handlers
[[automation.webhook.handlers]]
event = "github.push"
agent = "github.on_push"

[automation.watch]
enabled = true

# watchers
[[automation.watch.watchers]]
directory = "~/Downloads"
pattern = "*.pdf"
agent = "pdf.process_pdf"
`;

const read = (text: string, env: Record<string, string> = {}) =>
  readAutomation({ ...readToml('automation.toml', text), env });

describe('an automation file', () => {
  test('is taken as it stands: jobs, handlers and watchers are workflows of what their agents run', () => {
    expect(read(seed).map(({ value, agent, faults }) => ({ value, agent, faults }))).toEqual([
      {
        agent: 'reports.morning_report',
        faults: undefined,
        value: {
          name: 'morning_report',
          enabled: true,
          triggers: [{ type: 'cron', expression: '0 9 * * *' }],
        },
      },
      {
        agent: 'monitoring.health_check',
        faults: undefined,
        value: {
          name: 'health_check',
          enabled: true,
          triggers: [{ type: 'cron', expression: '*/30 * * * *' }],
        },
      },
      {
        agent: 'github.on_push',
        faults: undefined,
        value: {
          name: 'github.push-github.on_push',
          enabled: true,
          triggers: [
            {
              type: 'webhook',
              path: 'github.push',
              // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference, resolved on the server
              auth: { type: 'github', secret: '${WEBHOOK_SECRET}' },
              filter: "kind == 'push' or kind == ''",
            },
          ],
        },
      },
      {
        agent: 'pdf.process_pdf',
        faults: undefined,
        value: {
          name: 'watch-pdf.process_pdf',
          enabled: true,
          triggers: [{ type: 'file', path: '~/Downloads', patterns: ['*.pdf'] }],
        },
      },
    ]);
  });

  test('has handlers that are signed as their senders sign, each with a secret of its own if it has one', () => {
    const handler = '[[automation.webhook.handlers]]\nevent = "slack.message"\nagent = "chat.answer"\n';
    const own = seed.replace('# handlers', `${handler}secret = "$\{SLACK_SIGNING_SECRET}"`);
    const shared = seed.replace('# handlers', handler);
    const triggers = [own, shared].map(
      (text) => (read(text)[2]?.value as { triggers: object[] } | undefined)?.triggers,
    );
    const filter = "kind == 'message' or kind == ''";
    expect(triggers).toEqual(
      ['SLACK_SIGNING_SECRET', 'WEBHOOK_SECRET'].map((name) => [
        {
          ...{ type: 'webhook', path: 'slack.message', filter },
          auth: { type: 'slack', secret: `\${${name}}` },
        },
      ]),
    );
    const [fault] = read(seed.replace('# handlers', `${handler}secret = "hunter2"`))[2]?.faults ?? [];
    expect(fault).toMatch(
      /^automation\.toml:\d+: automation\.webhook\.handlers\[0\]\.secret: expected a variable/,
    );
    expect(fault).not.toContain('hunter2');
  });

  test('puts variables in their places, and tells of those that are not set', () => {
    const text = seed.replace('~/Downloads', '$'.concat('{INBOX}/new'));
    expect(read(text, { INBOX: '/in' }).at(-1)?.value).toMatchObject({ triggers: [{ path: '/in/new' }] });
    expect(read(text).at(-1)?.faults).toEqual([
      'automation.toml:37: automation.watch.watchers[0].directory: expected the variable INBOX to be set',
    ]);
  });

  test.each([
    [
      'the whole',
      'enabled = true\n\n[automation.daemon]',
      'enabled = false\n\n[automation.daemon]',
      [false, false, false, false],
    ],
    [
      'one job',
      'cron = "0 9 * * *"\nenabled = true',
      'cron = "0 9 * * *"\nenabled = false',
      [false, true, true, true],
    ],
    [
      'the watchers',
      '[automation.watch]\nenabled = true',
      '[automation.watch]\nenabled = false',
      [true, true, true, false],
    ],
  ])('switches off %s', (_title, from, to, expected) => {
    const enabled = read(seed.replace(from, to)).map(({ value }) => (value as { enabled: boolean }).enabled);
    expect(enabled).toEqual(expected);
  });

  test('keeps no secret, and does not repeat one that it was given', () => {
    const faults = read(seed.replace(/\$\{WEBHOOK_SECRET\}/, 'hunter2hunter2')).flatMap(
      (one) => one.faults ?? [],
    );
    expect(faults).toEqual([
      expect.stringContaining('automation.toml:25: automation.webhook.secret: expected a variable'),
    ]);
    expect(faults.join()).not.toContain('hunter2');
  });

  test('gives several watchers of one agent different names', () => {
    const more = `${seed}\n[[automation.watch.watchers]]\ndirectory = "/b"\nagent = "pdf.process_pdf"\n`;
    expect(
      read(more)
        .slice(-2)
        .map(({ value }) => (value as { name: string }).name),
    ).toEqual(['watch-pdf.process_pdf', 'watch-pdf.process_pdf-2']);
  });
});

const jobs = (...agents: string[]) =>
  `[automation]\nenabled = true\n${agents
    .map(
      (agent, at) =>
        `[[automation.schedule.jobs]]\nname = "job-${at}"\nagent = "${agent}"\ncron = "0 9 * * *"\n`,
    )
    .join('')}`;

describe('keruta apply -f automation.toml', () => {
  test('names all three lines that are wrong, and takes nothing', async () => {
    const server = await startServerIn(home);
    onTestFinished(() => server.close());
    const keruta = (...words: string[]) =>
      cli(words, { home, cwd: home, env: { KERUTA_API_URL: server.url } });
    writeFileSync(join(home, 'w.toml'), 'name = "reports.daily"\nrun = "echo daily"\n');
    expect((await keruta('apply', '-f', 'w.toml')).status).toBe(0);
    const text = jobs('reports.daily', 'reports.gone', 'reports.daily')
      .replace('0 9 * * *', '61 * * * *')
      .concat('often = true\n');
    writeFileSync(join(home, 'automation.toml'), text);
    const { status, out, err } = await keruta('apply', '-f', 'automation.toml');
    expect([status, out]).toEqual([2, '']);
    expect(
      err
        .split('\n')
        .slice(0, 3)
        .map((line) => line.replace(/^keruta: /, '')),
    ).toEqual([
      expect.stringMatching(
        /^automation\.toml:6: automation\.schedule\.jobs\[0\]\.cron: cron expression "61/,
      ),
      expect.stringMatching(
        /^automation\.toml:9: automation\.schedule\.jobs\[1\]\.agent: .* no reports\.gone$/,
      ),
      'automation.toml:15: automation.schedule.jobs[2].often: expected no such key',
    ]);
  });

  test.each([
    [
      'automation.toml',
      '[automation]\nenabled = true\n\n[[automation.watch.watchers]]\ndirectory = "$[INBOX]/new"\nagent = "w"\npattern = "*.pdf"\n',
      5,
    ],
    [
      'automation.yaml',
      'automation:\n  enabled: true\n  watch:\n    watchers:\n      - directory: $[INBOX]/new\n        agent: w\n        pattern: "*.pdf"\n',
      5,
    ],
  ])(
    'puts variables in their places in %s; one that is not set is named, with its line',
    async (name, text, line) => {
      const server = await startServerIn(home);
      onTestFinished(() => server.close());
      const keruta = (env: Record<string, string>, ...words: string[]) =>
        cli(words, { home, cwd: home, env: { KERUTA_API_URL: server.url, ...env } });
      writeFileSync(join(home, 'w.toml'), 'name = "w"\nrun = "true"\n');
      expect((await keruta({}, 'apply', '-f', 'w.toml')).status).toBe(0);
      writeFileSync(join(home, name), text.replace('$[INBOX]', '$'.concat('{INBOX}')));
      const field = 'automation.watch.watchers[0].directory';
      for (const env of [{}, { INBOX: '' }]) {
        const { status, out, err } = await keruta(env, 'apply', '-f', name);
        expect([status, out]).toEqual([2, '']);
        expect(err).toContain(`${name}:${line}: ${field}: expected the variable INBOX to be set`);
      }
      expect((await keruta({ INBOX: '/in' }, 'apply', '-f', name)).status).toBe(0);
      const shown = JSON.parse((await keruta({}, 'workflow', 'show', 'watch-w', '--json')).out);
      expect(shown.definition.triggers).toMatchObject([{ type: 'file', spec: { path: '/in/new' } }]);
    },
  );

  test('makes workflows of what agents name, and what is gone from the file goes at the next start', async () => {
    const first = await startServerIn(home);
    const keruta = (server: StartedServer, ...words: string[]) =>
      cli(words, { home, cwd: home, env: { KERUTA_API_URL: server.url } });
    writeFileSync(
      join(home, 'w.yaml'),
      'name: reports.daily\nsession: reports\nrun:\n  script: echo daily\n  parameters: {retryMs: 5}\nretry: {maxAttempts: 3}\n',
    );
    await keruta(first, 'apply', '-f', 'w.yaml');
    mkdirSync(join(home, '.keruta'), { recursive: true });
    const file = join(home, '.keruta/automation.toml');
    writeFileSync(file, jobs('reports.daily', 'reports.daily'));
    expect((await keruta(first, 'apply', '-f', file)).out).toMatch(/job-0: created[\s\S]*job-1: created/);
    const shown = JSON.parse((await keruta(first, 'workflow', 'show', 'job-0', '--json')).out);
    expect(shown).toMatchObject({
      owner: 'file:automation.toml',
      definition: {
        session: 'reports',
        run: { script: 'echo daily', parameters: { retryMs: 5 } },
        retry: { maxAttempts: 3 },
        triggers: [{ type: 'cron', spec: { expression: '0 9 * * *' } }],
      },
    });
    await first.close();
    writeFileSync(file, jobs('reports.daily'));
    const second = await startServerIn(home);
    expect((await keruta(second, 'workflow', 'show', 'job-1')).status).toBe(4);
    expect((await keruta(second, 'apply', '-f', file)).out).toBe('job-0: unchanged\n');
    await second.close();
    const errors: unknown[] = [];
    writeFileSync(file, jobs('reports.gone'));
    const third = await startServerIn(home, {
      log: { ...silentLog, error: (_message, fields) => void errors.push(fields?.fault) },
    });
    onTestFinished(() => third.close());
    expect(errors).toEqual([expect.stringContaining('there is no reports.gone')]);
    expect((await keruta(third, 'workflow', 'show', 'job-0')).status).toBe(0);
  });
});
