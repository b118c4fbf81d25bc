import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TaskWire } from '../../internal/api/shapes.ts';
import { makePlace, until } from './place.ts';

const place = makePlace('automation');
const secret = 'a secret of more than thirty-two bytes';

/** The file of the Kagura document; the port is any, and the folder of the watcher another one. */
const automation = `[automation]
enabled = true

[automation.daemon]
pid_file = "~/.keruta/daemon.pid"
log_file = "~/.keruta/daemon.log"

[automation.schedule]
[[automation.schedule.jobs]]
name = "morning_report"
agent = "reports.morning_report"
cron = "0 9 * * *"
enabled = true

[automation.webhook]
enabled = true
port = 0
secret = "\${WEBHOOK_SECRET}"

[[automation.webhook.handlers]]
event = "github.push"
agent = "github.on_push"
`;
const watchers = `
[automation.watch]
enabled = true

[[automation.watch.watchers]]
directory = "~/Downloads"
pattern = "*.pdf"
agent = "pdf.process_pdf"
`;

let hooks = '';
let session = '';

beforeAll(async () => {
  place.file('home/.keruta/automation.toml', automation + watchers);
  place.file('home/Downloads/.keep', '');
  place.env = { ...place.env, WEBHOOK_SECRET: secret };
  const server = await place.server();
  [, hooks = ''] = /webhooks are taken on (\S+)/.exec(server.stdout()) ?? [];
  place.file(
    'reports.ts',
    "import { agent } from 'keruta';\nexport const morning_report = agent({}, ({ source, at }) => 'report ' + source + ' ' + at.toISOString());\n",
  );
  place.file(
    'github.ts',
    `import { agent, type GitHubPush } from 'keruta';
export const on_push = agent({}, (payload: GitHubPush) =>
  \`Analyzing \${payload.commits.length} commits in \${payload.repository.full_name}\`);
`,
  );
  place.file(
    'pdf.ts',
    "import { readFileSync } from 'node:fs';\nexport const process_pdf = (path: string) => path.split('/').pop() + ' has ' + readFileSync(path).length + ' bytes';\n",
  );
  for (const file of ['reports.ts', 'github.ts', 'pdf.ts'])
    expect(await place.keruta(['deploy', file, '--session', 'kagura'])).toMatchObject({
      status: 0,
      stderr: '',
    });
  const applied = await place.keruta(['apply', '-f', place.path('home/.keruta/automation.toml')]);
  expect(applied).toMatchObject({ status: 0, stderr: '' });
  await place.daemon('kagura');
  session = (await place.json<{ id: string }>('session', 'show', 'kagura')).id;
}, 90_000);
afterAll(() => place.close());

const messages = async () => {
  const tasks = await place.api<TaskWire[]>('GET', `/sessions/${session}/tasks`);
  return tasks.filter(({ status }) => status === 'COMPLETED').map(({ message }) => message);
};

test('a handler of the automation file runs its agent with the payload that came to the port of the file', async () => {
  expect(hooks).toMatch(/^http:/);
  const body = JSON.stringify({ commits: [{}, {}], repository: { full_name: 'acme/site' } });
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  const answer = await fetch(`${hooks}/webhook/github.push`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-hub-signature-256': signature,
      'x-github-event': 'push',
      'x-github-delivery': '1',
    },
  });
  expect(answer.status).toBe(202);
  const { taskId } = (await answer.json()) as { taskId: string };
  const task = await place.whole(taskId, 30_000);
  expect(task).toMatchObject({ status: 'COMPLETED', message: 'Analyzing 2 commits in acme/site' });
});

test('a job of the automation file runs its agent as if its time had come', async () => {
  const fired = await place.keruta(['trigger', 'fire', 'morning_report', '--at', '2026-01-05T09:00:00Z']);
  expect(fired).toMatchObject({ status: 0, stderr: '' });
  const task = await place.whole(fired.stdout.trim(), 30_000);
  expect(task.message).toBe('report manual 2026-01-05T09:00:00.000Z');
});

test('a watcher of the automation file runs its agent with the path of a file that came', async () => {
  await until('the folder is watched', async () => {
    const { stdout } = await place.keruta(['daemon', 'status', '--json']);
    const { watchers } = JSON.parse(stdout) as { watchers: { path: string; state: string }[] };
    // before that it looks at what is there already
    return watchers.some(({ path, state }) => path.includes('Downloads') && /watching|polling/.test(state));
  });
  place.file('home/Downloads/a.pdf', '12345');
  await until('the file was read', async () => (await messages()).includes('a.pdf has 5 bytes'), 30_000);
});
