import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type EntryParts, enter } from '../../../cmd/keruta/entry.ts';
import { decodeMailbox } from '../../../internal/domain/mailbox.ts';
import { freePort } from '../../fixtures/free-port.ts';

let home: string;
let out: string;
let err: string;
let requests: { line: string; token: string | undefined; body: unknown }[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let server: Server;
let url: string;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'speak-'));
  [out, err, requests] = ['', '', []];
  answer = (_request, response) => response.end('{}');
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    requests.push({
      line: `${request.method} ${request.url}`,
      token: request.headers.authorization,
      body: text === '' ? null : JSON.parse(text),
    });
    answer(request, response);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(home, { recursive: true });
});

function call(argv: readonly string[], over: Partial<EntryParts> = {}): Promise<number> {
  return enter({
    argv,
    env: { KERUTA_API_URL: url, KERUTA_TASK_ID: 't1', KERUTA_API_TOKEN: 'krt_tsk_x' },
    home,
    upMs: () => 0,
    signal: new AbortController().signal,
    writeOut: (text) => {
      out += text;
    },
    writeErr: (text) => {
      err += text;
    },
    readInput: async () => 'from\nstdin\n',
    runLarge: async () => 99,
    ...over,
  });
}

const spool = () => join(home, '.keruta', 'spool');
const refuse = () => new Promise((resolve) => server.close(resolve));

describe('outside a run', () => {
  test.each([
    [['log', 'INFO', 'it was hunter2hunter2'], 'it was **************'],
    [['start', '--message', 'with krt_tsk_x'], 'with *********'],
    [['fail', '--message', 'aHVudGVyMmh1bnRlcjI='], '******************I='],
    [['log', 'INFO', '-'], 'from stdin **************'],
  ])('%j is masked before it goes: nobody else does it', async (argv, message) => {
    const env = { KERUTA_API_URL: url, KERUTA_TASK_ID: 't1', KERUTA_API_TOKEN: 'krt_tsk_x' };
    const readInput = async () => 'from stdin hunter2hunter2\n';
    expect(await call(argv, { env: { ...env, DB_PASSWORD: 'hunter2hunter2' }, readInput })).toBe(0);
    expect(requests.at(-1)?.body).toMatchObject({ message });
  });

  test('what is kept for later is masked too', async () => {
    await refuse();
    const env = { KERUTA_API_URL: url, KERUTA_TASK_ID: 't1', KERUTA_API_TOKEN: 'krt_tsk_x' };
    const over = { env: { ...env, DB_PASSWORD: 'hunter2hunter2' } };
    expect(await call(['log', 'INFO', 'it was hunter2hunter2'], over)).toBe(0);
    const [file = ''] = readdirSync(spool());
    const kept = readFileSync(join(spool(), file), 'utf8');
    expect(kept).toContain('it was ****');
    expect(kept).not.toContain('hunter2');
  });

  test.each([
    [
      ['start', '--message', 'go'],
      'PUT /api/v1/tasks/t1/status',
      { status: 'PROCESSING', progress: 0, message: 'go' },
    ],
    [['progress', '50'], 'PUT /api/v1/tasks/t1/status', { status: 'PROCESSING', progress: 50 }],
    [['success'], 'PUT /api/v1/tasks/t1/status', { status: 'COMPLETED', progress: 100 }],
    [
      ['fail', '--message', 'm', '--error-code', 'E'],
      'PUT /api/v1/tasks/t1/status',
      { status: 'FAILED', errorCode: 'E', message: 'm' },
    ],
    [['log', 'warn', 'careful'], 'POST /api/v1/tasks/t1/logs', { level: 'WARN', message: 'careful' }],
    [['log', 'INFO'], 'POST /api/v1/tasks/t1/logs', { level: 'INFO', message: 'from\nstdin' }],
  ])('%j is one request with the token', async (argv, line, body) => {
    expect(await call(argv)).toBe(0);
    expect(requests).toEqual([{ line, token: 'Bearer krt_tsk_x', body }]);
    expect([out, err]).toEqual(['', '']);
  });

  test('a bad percentage exits 2 and sends nothing', async () => {
    expect(await call(['progress', '150'])).toBe(2);
    expect(err).toBe(
      'keruta: percentage: expected a whole number from 0 to 100, got "150"; try: keruta progress 50\n',
    );
    expect(requests).toEqual([]);
  });

  test('an error is JSON with --json', async () => {
    expect(await call(['log', 'LOUD', 'x', '--json'])).toBe(2);
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'KERUTA_ERR_BAD_LEVEL' } });
  });

  test('an older server is spoken to in its own dialect', async () => {
    answer = (_request, response) => {
      response.statusCode = JSON.stringify(requests.at(-1)?.body).includes('PROCESSING') ? 500 : 200;
      response.end('{}');
    };
    expect(await call(['progress', '5'])).toBe(0);
    expect(requests.map((request) => (request.body as { status: string }).status)).toEqual([
      'PROCESSING',
      'IN_PROGRESS',
    ]);
  });

  test.each([
    [401, '{}', 3, 'KERUTA_API_TOKEN'],
    [403, '{}', 3, '403'],
    [404, '', 4, '404'],
    [409, '{"error":{"code":"KERUTA_ERR_TASK_ENDED","message":"task t1 has ended"}}', 5, 'task t1 has ended'],
    [400, '{"error":"bad","message":"no"}', 2, 'bad: no'],
  ])('status %i is told with its own exit status', async (status, body, exit, text) => {
    answer = (_request, response) => {
      response.statusCode = status;
      response.end(body);
    };
    expect(await call(['success'])).toBe(exit);
    expect(err).toContain(text);
  });

  test('a request is kept while the API is away, and the next command delivers it first', async () => {
    await refuse();
    expect(await call(['progress', '10'])).toBe(0);
    expect(await call(['log', 'INFO', 'two'])).toBe(0);
    expect(err).toContain('kept for later');
    const kept = readdirSync(spool());
    expect(kept).toHaveLength(2);
    expect(statSync(join(spool(), kept[0] ?? '')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(spool(), kept[0] ?? ''), 'utf8')).not.toContain('krt_');
    await new Promise<void>((resolve) => server.listen(Number(new URL(url).port), '127.0.0.1', resolve));
    expect(await call(['progress', '30'])).toBe(0);
    expect(requests.map((request) => request.body)).toEqual([
      { status: 'PROCESSING', progress: 10 },
      { level: 'INFO', message: 'two' },
      { status: 'PROCESSING', progress: 30 },
    ]);
    expect(readdirSync(spool())).toEqual([]);
  });

  test('a line whose answer is lost is delivered later under the same key, a second line under another', async () => {
    const keys: unknown[] = [];
    answer = ({ headers }, response) => {
      keys.push(headers['idempotency-key']);
      // the first one was taken, and nobody hears of it
      if (keys.length === 1) response.destroy();
      else response.end('{}');
    };
    expect(await call(['log', 'INFO', 'one'])).toBe(0);
    expect(readdirSync(spool())).toHaveLength(1);
    expect(await call(['log', 'INFO', 'two'])).toBe(0);
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), keys[0], expect.any(String)]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  test('an answer that never ends counts as an API that is away', async () => {
    answer = (_request, response) => {
      response.write('{');
      const piece = Buffer.alloc(256 * 1024, 0x20);
      const more = (): boolean => response.destroyed || !response.write(piece) || more();
      response.on('drain', more);
      more();
    };
    expect(await call(['progress', '10'])).toBe(0);
    expect(err).toContain('an answer of more than 1048576 bytes');
    expect(readdirSync(spool())).toHaveLength(1);
  });

  test('--strict makes an API that is away a failure, and keeps nothing', async () => {
    await refuse();
    expect(await call(['progress', '10', '--strict'])).toBe(6);
    expect(() => readdirSync(spool())).toThrow();
  });

  test.each([
    ['an HTML page', 200, '<html>login</html>'],
    ['half of a JSON', 200, '{"id": '],
    ['a redirect', 302, ''],
    ['an overloaded server', 503, ''],
  ])('%s counts as an API that is away', async (_title, status, body) => {
    answer = (_request, response) => {
      response.statusCode = status;
      response.end(body);
    };
    expect(await call(['log', 'INFO', 'x'])).toBe(0);
    expect(readdirSync(spool())).toHaveLength(1);
  });

  test('a kept request that the server refuses for good is set aside, not lost', async () => {
    await refuse();
    await call(['progress', '10']);
    await new Promise<void>((resolve) => server.listen(Number(new URL(url).port), '127.0.0.1', resolve));
    answer = (_request, response) => {
      response.statusCode = requests.length === 1 ? 409 : 200;
      response.end('{}');
    };
    expect(await call(['log', 'INFO', 'x'])).toBe(0);
    expect(readdirSync(join(spool(), 'rejected'))).toHaveLength(1);
  });

  test.each([
    ['help', ['start', '--help'], {}],
    ['an unknown option', ['start', '--frob'], {}],
    ['a missing token', ['start'], { KERUTA_API_TOKEN: undefined }],
    ['a missing task', ['start'], { KERUTA_TASK_ID: undefined }],
    ['an address that is none', ['start'], { KERUTA_API_URL: 'ftp://x' }],
  ])('%s is left to the full command line', async (_title, argv, env) => {
    const full = { KERUTA_API_URL: url, KERUTA_TASK_ID: 't1', KERUTA_API_TOKEN: 'x', ...env };
    expect(await call(argv, { env: full })).toBe(99);
  });
});

describe('inside a run', () => {
  const inRun = () => {
    const directory = join(home, 'runs', 't1.1');
    mkdirSync(join(directory, 'answers'), { recursive: true });
    return { env: { KERUTA_RUN_DIR: directory, KERUTA_TASK_ID: 't1' }, directory };
  };
  const said = (directory: string) =>
    decodeMailbox(readFileSync(join(directory, 'mailbox')), 0).records.map((record) => record.words);

  test('a request goes to the mailbox, without API', async () => {
    const { env, directory } = inRun();
    expect(await call(['log', 'info', 'two\nlines'], { env })).toBe(0);
    expect(await call(['fail', '--no-auto-fix', '--error-code=E'], { env })).toBe(0);
    expect(said(directory)).toEqual([
      ['log', 'INFO', 'two\nlines'],
      ['fail', '--error-code', 'E', '--no-auto-fix'],
    ]);
    expect(await call(['fail', '--retry-after', '1.5m'], { env })).toBe(0);
    expect(said(directory).at(-1)).toEqual(['fail', '--retry-after', '90']);
    expect(requests).toEqual([]);
  });

  test('after the end of the run a request goes to the API: nobody reads the mailbox', async () => {
    const { env, directory } = inRun();
    writeFileSync(join(directory, 'receipt.json'), '{}');
    const outside = { KERUTA_API_URL: url, KERUTA_API_TOKEN: 'krt_tsk_x' };
    expect(await call(['log', 'INFO', 'late'], { env: { ...env, ...outside } })).toBe(0);
    expect(requests).toMatchObject([{ body: { level: 'INFO', message: 'late' } }]);
    expect(readdirSync(directory)).not.toContain('mailbox');
  });

  test('a bad value exits 2 as it does outside', async () => {
    expect(await call(['progress', '150'], { env: inRun().env })).toBe(2);
    expect(await call(['fail', '--retry-after', 'soon'], { env: inRun().env })).toBe(2);
  });

  test('ask prints the answer that is put into the run', async () => {
    const { env, directory } = inRun();
    const asked = call(['ask', 'Who?', '--choices', 'a, b', '--secret'], { env });
    const words = await vi.waitFor(() => said(directory)[0]);
    expect(words).toMatchObject([
      'ask',
      'Who?',
      '--key',
      expect.any(String),
      '--timeout',
      '3600',
      '--choices',
      'a,b',
      '--secret',
    ]);
    writeFileSync(join(directory, 'answers', `${words?.[3]}.json`), '{"answer":"b"}');
    expect(await asked).toBe(0);
    expect(out).toBe('b\n');
  });

  test('ask gives the default when the time is up, and exits 7 without one', async () => {
    const { env } = inRun();
    expect(await call(['ask', 'Who?', '--timeout', '10ms', '--default', 'me'], { env })).toBe(0);
    expect(out).toBe('me\n');
    expect(await call(['ask', 'Who?', '--timeout', '10ms'], { env })).toBe(7);
  });

  test('a default that is not among the choices is refused', async () => {
    expect(await call(['ask', 'Who?', '--choices', 'a,b', '--default', 'c'], { env: inRun().env })).toBe(2);
    expect(err).toContain('expected one of a, b, got "c"');
  });
});
