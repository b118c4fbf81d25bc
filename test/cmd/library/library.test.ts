import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { cli } from '../harness.ts';
import { useServer } from '../server-in-home.ts';

let cwd = '';
const place = useServer();
beforeEach(() => {
  cwd = mkdtempSync(join(place.home, 'place-'));
});

const keruta = (...words: string[]) => place.keruta(words, { cwd });

function put(name: string, text: string): void {
  mkdirSync(join(cwd, name, '..'), { recursive: true });
  writeFileSync(join(cwd, name), text);
}

const file = `
import { App, agent, defineWorkflow, schedule, Scheduler, tool } from 'keruta';

export const metrics = tool((): { users: number } => ({ users: 1234 }));
export const morningReport = schedule.cron(
  '0 9 * * *',
  { timezone: 'Asia/Tokyo' },
  schedule.retry({ maxAttempts: 3, backoffSeconds: 60 }, agent({ description: 'Tells' }, async () => \`\${metrics().users} users\`)),
);
export async function unreliable({ attempt }: { attempt: number }) {
  throw new Error(\`attempt \${attempt}\`);
}
schedule.retry({ maxAttempts: 2, backoffSeconds: 0, neverOn: ['TypeError'] }, unreliable);
schedule.onError((error, name) => console.log('alert', name, error.message));
const app = new App('shop', { tenantId: 'tenant-7' });
export const stock = app.cron({ expression: '@hourly', eventName: 'stock-check' }, () => 'in stock');
defineWorkflow({ name: 'plain', run: 'echo plain' });
new Scheduler().start();
`;

describe('keruta call', () => {
  test('runs a function of a TypeScript file, by its name or that of its export', async () => {
    put('a.ts', file);
    expect(await keruta('call', 'a.ts', 'morningReport')).toEqual({
      status: 0,
      out: '1234 users\n',
      err: '',
    });
    expect((await keruta('call', 'a.ts', 'stock')).out).toBe('in stock\n');
    expect((await keruta('call', 'a.ts', 'stock-check', '--json')).out).toBe('"in stock"\n');
  });

  test('hands over what the task got, and ends with 1 when the function fails', async () => {
    put(
      'hook.ts',
      "import { webhook } from 'keruta';\nexport const hook = webhook.on('a.b', (payload, { parameters }) => [payload, parameters]);",
    );
    put(
      'event.json',
      '{"source":"webhook","kind":"b","nominalAt":"2026-01-01T00:00:00Z","data":{"body":{"x":1}}}',
    );
    put('parameters.json', '{"p":2}');
    const env = {
      KERUTA_EVENT_FILE: join(cwd, 'event.json'),
      KERUTA_PARAMETERS_FILE: join(cwd, 'parameters.json'),
    };
    const called = await cli(['call', 'hook.ts', 'hook'], { home: place.home, cwd, env });
    expect(called).toEqual({ status: 0, out: '[{"x":1},{"p":2}]\n', err: '' });
  });

  test.each([
    [
      'a file of the agent',
      { source: 'file', kind: 'create', data: { changes: [], paths: ['/in/a.pdf'] } },
      '["/in/a.pdf","create"]',
    ],
    [
      'several files at once',
      { source: 'file', kind: 'batch', data: { paths: ['/a', '/b'] } },
      '[["/a","/b"],"batch"]',
    ],
    [
      'a webhook with a name',
      { source: 'webhook', kind: 'push', data: { body: { x: 1 } } },
      '[{"x":1},"github.push"]',
    ],
    ['a mail', { source: 'email', kind: 'message', data: { from: 'a@b' } }, '[{"from":"a@b"},"message"]'],
  ])('hands over %s as the functions expect it', async (_title, event, expected) => {
    put(
      'hook.ts',
      "import { webhook } from 'keruta';\nexport const hook = webhook.on('github.push', (payload, { event }) => [payload, event]);",
    );
    put('event.json', JSON.stringify(event));
    const env = { KERUTA_EVENT_FILE: join(cwd, 'event.json') };
    expect((await cli(['call', 'hook.ts', 'hook', '--json'], { home: place.home, cwd, env })).out).toBe(
      `${expected}\n`,
    );
  });

  test.each([
    ["webhook.on('a.b',", '{"p":2}'],
    ["watch.directory('/in',", '"/in/x"'],
    ['agent({},', '{"name":"hook"}'],
  ])('fired by hand, %s … gets what its parameters say', async (head, expected) => {
    put(
      'hook.ts',
      `import { agent, watch, webhook } from 'keruta';\nexport const hook = ${head} (a: any) => a?.name ? { name: a.name } : a);`,
    );
    put('parameters.json', expected.startsWith('"') ? '{"file_path":"/in/x"}' : '{"p":2}');
    const env = { KERUTA_PARAMETERS_FILE: join(cwd, 'parameters.json') };
    expect((await cli(['call', 'hook.ts', 'hook', '--json'], { home: place.home, cwd, env })).out).toBe(
      `${expected}\n`,
    );
  });

  test('tells onError by hand; in a task it leaves that to the hook, which knows the end of the task', async () => {
    const said = vi.spyOn(console, 'log').mockImplementation(() => {});
    onTestFinished(() => said.mockRestore());
    put('a.ts', file);
    const byHand = await cli(['call', 'a.ts', 'unreliable'], { home: place.home, cwd, env: {} });
    expect(byHand).toMatchObject({ status: 1, err: 'unreliable failed: attempt 2\n' });
    expect(said).toHaveBeenCalledExactlyOnceWith('alert', 'unreliable', 'attempt 2');
    said.mockClear();
    const last = await cli(['call', 'a.ts', 'unreliable'], {
      home: place.home,
      cwd,
      env: { KERUTA_ATTEMPT: '2' },
    });
    expect(last).toEqual({ status: 1, out: '', err: 'unreliable failed: attempt 2\n' });
    put(
      'b.ts',
      "import { schedule } from 'keruta';\nexport const job = () => 1;\nschedule.onError((error, name, { attempt, source, event }) => console.log(JSON.stringify([String(error), name, attempt, source, event])));\n",
    );
    const end = { code: 'TypeError', message: 'no disk', attempts: 3 };
    const from = { source: 'webhook', at: '2026-01-01T00:00:00Z', kind: 'push' };
    put('parameters.json', JSON.stringify({ error: end, event: from }));
    const env = { KERUTA_PARAMETERS_FILE: join(cwd, 'parameters.json'), KERUTA_ATTEMPT: '1' };
    const told = await cli(['call', 'b.ts', 'job', '--on-error'], { home: place.home, cwd, env });
    expect(told).toEqual({ status: 0, out: '', err: '' });
    expect(said).toHaveBeenCalledExactlyOnceWith('["TypeError: no disk","job",3,"webhook","push"]');
    put(
      'b.ts',
      "import { schedule } from 'keruta';\nexport const job = () => 1;\nschedule.onError(() => { throw new Error('no mail'); });\n",
    );
    const failed = await cli(['call', 'b.ts', 'job', '--on-error'], { home: place.home, cwd, env });
    expect(failed).toMatchObject({ status: 1, err: 'onError failed: no mail\n' });
  });

  test.each([
    ['of a file that is not there', 'gone.ts', 'x', 4, 'There is no file gone.ts'],
    ['of a function that is not there', 'a.ts', 'x', 4, 'has no function x; it has: morningReport'],
    [
      'of a file that throws, with its line',
      'bad.ts',
      'x',
      2,
      'bad.ts cannot be run: line 2: cron expression',
    ],
  ])('%s says so', async (_title, name, fn, status, message) => {
    put('a.ts', file);
    put('bad.ts', "import { schedule } from 'keruta';\nschedule.cron('61 * * * *', () => 1);\n");
    expect(await keruta('call', name, fn)).toMatchObject({ status, err: expect.stringContaining(message) });
  });
});

describe('keruta deploy', () => {
  test('makes a workflow of each function, with triggers, retry and session, and changes nothing the second time', async () => {
    put('auto.ts', file);
    const first = await keruta('deploy', 'auto.ts');
    expect(first).toMatchObject({ status: 0, err: '' });
    expect(first.out).toContain('auto.morningReport: created');
    expect((await keruta('deploy', 'auto.ts')).out.split('\n').slice(0, -1)).toEqual([
      'auto.morningReport: unchanged',
      'auto.unreliable: unchanged',
      'auto.stock-check: unchanged',
      'plain: unchanged',
    ]);
    const shown = JSON.parse((await keruta('workflow', 'show', 'auto.morningReport', '--json')).out);
    expect(shown).toMatchObject({
      owner: 'file:auto.ts',
      definition: {
        session: 'auto',
        description: 'Tells',
        retry: { maxAttempts: 3, backoff: 'fixed', delayMs: 60_000 },
        triggers: [{ type: 'cron', spec: { expression: '0 9 * * *', timezone: 'Asia/Tokyo' } }],
      },
    });
    expect(shown.definition.run.script).toContain(file.trim());
    expect(shown.definition.onError.script).toMatch(
      /call "\$KERUTA_RUN_DIR\/automation\.mts" 'morningReport' --on-error\n$/,
    );
    const unreliable = JSON.parse((await keruta('workflow', 'show', 'auto.unreliable', '--json')).out);
    expect(unreliable.definition.retry).toMatchObject({ maxAttempts: 2, delayMs: 0, neverOn: ['TypeError'] });
    const stock = JSON.parse((await keruta('workflow', 'show', 'auto.stock-check', '--json')).out);
    expect(stock.definition.session).toBe('tenant-7');
    put('auto.ts', file.replace(/^defineWorkflow.*$/m, ''));
    expect((await keruta('deploy', 'auto.ts', '--prune')).out).toContain('plain: removed');
  });

  test('refuses a file that needs others, unless it is told where the agent finds them', async () => {
    put('more.ts', 'export const x = 1;\n');
    put('needs.ts', "import { x } from './more.ts';\nexport const give = () => x;\n");
    const refused = await keruta('deploy', 'needs.ts');
    expect(refused).toMatchObject({ status: 2, err: expect.stringContaining('imports ./more.ts') });
    expect((await keruta('deploy', 'needs.ts', '--at', "bots/it's.ts")).status).toBe(0);
    const shown = JSON.parse((await keruta('workflow', 'show', 'needs.give', '--json')).out);
    expect(shown.definition.run.script).toBe(
      `#!/bin/sh\nexec "$KERUTA_EXECUTABLE" call 'bots/it'\\''s.ts' 'give'\n`,
    );
  });

  test('refuses two functions of one name, and one without any', async () => {
    put(
      'two.ts',
      "import { agent } from 'keruta';\nagent({ name: 'a' }, () => 1);\nagent({ name: 'a' }, () => 2);\n",
    );
    expect((await keruta('deploy', 'two.ts')).err).toContain('got two named a');
    put('none.ts', "import { schedule } from 'keruta';\nschedule.cron('@daily', () => 1);\n");
    expect((await keruta('deploy', 'none.ts')).err).toContain('a function without a name');
  });
});

describe('keruta dev', () => {
  test('ends at once when there is no such file', async () => {
    const ended = await keruta('dev', 'gone.ts');
    expect(ended).toMatchObject({ status: 4, err: 'keruta: There is no file gone.ts.\n' });
  });

  test('runs the functions of a file, says what comes when, and again when the file changes', async () => {
    const text = (word: string) =>
      `import { schedule } from 'keruta';\nexport const tick = schedule.every({ seconds: 1 }, () => '${word}');\n`;
    put('dev.ts', text('first'));
    let [out, err] = ['', ''];
    const main = resolve(import.meta.dirname, '../../../cmd/keruta/main.ts');
    const child = spawn(process.execPath, [main, 'dev', 'dev.ts', '--port', '0'], { cwd });
    onTestFinished(() => void child.kill('SIGKILL'));
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk;
    });
    const ended = new Promise((done) => child.once('exit', done));
    await vi.waitFor(() => expect(out).toContain('tick (interval): completed'), 30_000);
    expect(out).toContain('  tick: 1s, next 20');
    expect(out).toContain(': first');
    put('dev.ts', text('second'));
    await vi.waitFor(() => expect(out).toContain(': second'), 30_000);
    put('dev.ts', 'nonsense(');
    await vi.waitFor(() => expect(err).toContain('it ended; waiting for a change'), 30_000);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(err).toContain('dev.ts changed; starting again');
  }, 60_000);
});

test('keruta schedule start runs what falls due by time, and nothing else, until it is told to end', async () => {
  put(
    'automation.ts',
    "import { schedule, watch, webhook } from 'keruta';\nexport const tick = schedule.every({ seconds: 1 }, () => 'tock');\nwebhook.on('a', function a() {});\nwatch.directory('/nowhere', function b() {});\n",
  );
  const main = resolve(import.meta.dirname, '../../../cmd/keruta/main.ts');
  const child = spawn(process.execPath, [main, 'schedule', 'start'], { cwd });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk;
    });
  const ended = new Promise((done) => child.once('exit', done));
  await vi.waitFor(() => expect(said).toContain('tick (interval): completed'), 30_000);
  child.kill('SIGINT');
  expect(await ended).toBe(0);
  expect(said).not.toMatch(/webhook|nowhere/);
}, 60_000);
