import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { webhooks } from './pull-request-payload.ts';

vi.setConfig({ testTimeout: 120_000 });

const root = resolve(import.meta.dirname, '../..');
const main = join(root, 'cmd/keruta/main.ts');
const example = (name: string) => join(root, 'examples', name);

interface Running {
  readonly out: () => string;
  readonly ended: Promise<number | null>;
}

function keruta(
  words: readonly string[],
  { cwd = root, env = {} }: { cwd?: string; env?: object } = {},
): Running {
  let out = '';
  const clean = { PATH: process.env.PATH ?? '', HOME: '/nowhere', TZ: 'UTC' };
  const child = spawn(process.execPath, ['--no-warnings', main, ...words], {
    cwd,
    env: { ...clean, ...env },
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      out += chunk;
    });
  }
  onTestFinished(() => void child.kill('SIGKILL'));
  return { out: () => out, ended: new Promise((done) => child.once('exit', done)) };
}

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'keruta-example-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('the morning report tells the numbers of the day', async () => {
  const { out, ended } = keruta(['call', example('morning-report.ts'), 'morningReport']);
  expect(await ended).toBe(0);
  expect(out()).toMatch(
    /^Daily report, \d{4}-\d\d-\d\d\nusers: 1234\nrevenue: 56789\nerrors: 12, which is more/,
  );
});

test('the morning report is sent to Slack, a refusal of which is told, and the week is summed up', async () => {
  const sent: string[] = [];
  let status = 200;
  const slack = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => void sent.push(text));
    request.on('end', () => response.writeHead(status).end('ok'));
  });
  await new Promise<void>((done) => slack.listen(0, '127.0.0.1', done));
  onTestFinished(() => void slack.close());
  const env = { SLACK_WEBHOOK_URL: `http://127.0.0.1:${(slack.address() as AddressInfo).port}/` };
  const words = ['call', example('morning-report.ts')];
  const taken = keruta([...words, 'sendReportToSlack'], { env });
  expect([await taken.ended, taken.out()]).toEqual([0, 'sent\n']);
  expect(JSON.parse(sent.join('')).text).toMatch(/^Daily report, .*\nusers: 1234\n/);
  status = 403;
  const refused = keruta([...words, 'sendReportToSlack'], { env });
  expect(await refused.ended).toBe(1);
  expect(refused.out()).toContain('Slack answered 403');
  const week = keruta([...words, 'weeklySummary']);
  expect([await week.ended, week.out()]).toEqual([0, 'a week has passed\n']);
});

test('what is due every hour, every half hour and every day at nine is told with its next instant, and runs', async () => {
  const file = example('every-so-often.ts');
  const before = Date.now();
  const { out } = keruta(['schedule', 'start', file]);
  const nextOf = (line: RegExp) => Date.parse(line.exec(out())?.[1] ?? '');
  await vi.waitFor(() => expect(out()).toContain('dailyAt9am'), 20_000);
  const after = Date.now();
  // from its own beginning on
  for (const [line, everyMs] of [
    [/ hourlyTask: 3600s, next (\S+)/, 3_600_000],
    [/ halfHourlyTask: 1800s, next (\S+)/, 1_800_000],
  ] as const) {
    expect(nextOf(line)).toBeGreaterThanOrEqual(before + everyMs);
    expect(nextOf(line)).toBeLessThanOrEqual(after + everyMs);
  }
  // nine in Tokyo
  expect(nextOf(/ dailyAt9am: 1d, next (\S+)/) % 86_400_000).toBe(0);
  const said = await Promise.all(
    ['hourlyTask', 'halfHourlyTask', 'dailyAt9am'].map(async (name) => {
      const run = keruta(['call', file, name]);
      expect(await run.ended).toBe(0);
      return run.out();
    }),
  );
  expect(said).toEqual([
    expect.stringMatching(/^the hour of \d{4}-\S+Z\n$/),
    'half an hour has passed\n',
    'good morning\n',
  ]);
});

test('errors are counted when error.log grows, and other files of the folder count nothing', async () => {
  const cwd = temporary();
  const { out } = keruta(['dev', example('error-log.ts'), '--no-reload', '--port', '0'], { cwd });
  await vi.waitFor(() => expect(out()).toContain('analyzeErrors: '), 20_000);
  mkdirSync(join(cwd, 'log/old'));
  for (const name of ['access.log', 'my-error.log', 'error.log.1', 'old/error.log'])
    writeFileSync(join(cwd, 'log', name), '10:00 not this\n');
  writeFileSync(
    join(cwd, 'log/error.log'),
    '10:00 no answer after 30 ms\n10:01 disk full\n10:02 no answer after 70 ms\n',
  );
  await vi.waitFor(() => expect(out()).toContain('completed'), 20_000);
  expect(out()).toContain('2 times: no answer after N ms\n1 times: disk full');
  expect(out()).not.toContain('not this');
  expect(out().match(/completed/g)).toHaveLength(1);
});

test('the review looks at a pull request that is opened, signed by the secret, and skips others', async () => {
  const secret = 'a secret of more than thirty-two bytes';
  const words = ['dev', example('pull-request-review.ts'), '--no-reload', '--port', '0'];
  const { out } = keruta(words, { env: { GITHUB_WEBHOOK_SECRET: secret } });
  await vi.waitFor(() => expect(out()).toContain('/webhook/github.pull_request'), 20_000);
  const [, url = ''] = /github\.pull_request: (\S+)/.exec(out()) ?? [];
  for (const [delivery, action] of ['opened', 'closed'].entries()) {
    const body = JSON.stringify(webhooks.pullRequest(action));
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
    const headers = { 'x-hub-signature-256': signature, 'x-github-delivery': String(delivery) };
    expect((await fetch(url, { method: 'POST', body, headers })).status).toBe(202);
  }
  await vi.waitFor(() => expect(out()).toContain('skipped: not a new pull request'), 20_000);
  expect(out()).toContain('review of Codertocat/Hello-World#2\nit says why\nthe title is short enough');
});

test('an invoice that comes into the folder is noted down and put away', async () => {
  const cwd = temporary();
  const { out } = keruta(['dev', example('invoice-folder.ts'), '--no-reload', '--port', '0'], { cwd });
  await vi.waitFor(() => expect(out()).toContain('processInvoice: '), 20_000);
  writeFileSync(join(cwd, 'invoices/a.txt'), 'Invoice 2026-17\nAmount 99.50\n');
  await vi.waitFor(() => expect(existsSync(join(cwd, 'invoices/processed/a.txt'))).toBe(true), 20_000);
  const noted = readFileSync(join(cwd, 'invoices/.invoices.jsonl'), 'utf8');
  expect(noted).toBe('{"number":"2026-17","amount":99.5}\n');
});

test('the task that fails is asked three times, then the alert comes, and an answer ends it', async () => {
  let answers = 0;
  let status = 503;
  const service = createServer((_request, response) => {
    answers += 1;
    response.writeHead(status).end();
  });
  await new Promise<void>((done) => service.listen(0, '127.0.0.1', done));
  onTestFinished(() => void service.close());
  const env = {
    SERVICE_URL: `http://127.0.0.1:${(service.address() as AddressInfo).port}/`,
    BACKOFF_SECONDS: '0',
  };
  const words = ['call', example('retry-with-alert.ts'), 'unreliableTask'];
  const failed = keruta(words, { env });
  expect(await failed.ended).toBe(1);
  expect(answers).toBe(3);
  expect(failed.out()).toContain('ALERT: unreliableTask failed: the service answered 503');
  status = 200;
  const answered = keruta(words, { env });
  expect(await answered.ended).toBe(0);
  expect(answered.out()).toBe('answered at attempt 1\n');
});

test('the health check tells how the machine is', async () => {
  const { out, ended } = keruta(['call', example('health-check.ts'), 'health_check']);
  expect(await ended).toBe(0);
  expect(JSON.parse(out())).toEqual({
    memoryFree: expect.any(Number),
    diskFree: expect.any(Number),
    load: expect.any(Number),
  });
});

test('the hourly stock check asks the agent, and counts by itself without one or when it fails', async () => {
  const cwd = temporary();
  writeFileSync(join(cwd, 'stock.csv'), 'screws,120,100\nnails,12,50\n');
  const words = ['call', example('hourly-stock-check.ts'), 'hourly_stock_check'];
  const alone = keruta(words, { cwd });
  expect(await alone.ended).toBe(0);
  expect(alone.out()).toBe('nails: 12 there, 50 expected\n');
  let status = 200;
  const asked: string[] = [];
  const agent = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => void asked.push(text));
    request.on('end', () => response.writeHead(status).end('order nails today'));
  });
  await new Promise<void>((done) => agent.listen(0, '127.0.0.1', done));
  onTestFinished(() => void agent.close());
  const env = { AGENT_URL: `http://127.0.0.1:${(agent.address() as AddressInfo).port}/` };
  const decided = keruta(words, { cwd, env });
  expect(await decided.ended).toBe(0);
  expect(decided.out()).toBe('order nails today\n');
  expect(JSON.parse(asked.join(''))).toMatchObject({
    focus: 'inventory',
    stock: expect.stringMatching(/nails/),
  });
  status = 500;
  const failed = keruta(words, { cwd, env });
  expect(await failed.ended).toBe(0);
  expect(failed.out()).toBe('nails: 12 there, 50 expected\n');
});
