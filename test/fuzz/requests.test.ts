/** Headers and forms that a client of no good will sends, and words that a script gives to the front of the commands. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { frontScript } from '../../cmd/keruta/task-commands/front.ts';
import { decodeMailbox } from '../../internal/domain/mailbox.ts';
import { parseRequest } from '../../internal/worker/mailbox-words.ts';
import { silentLog } from '../../pkg/log/log.ts';
import { makeTask } from '../internal/server/claims-client.ts';
import { openRaw } from '../internal/server/raw-http.ts';
import { adminToken, startServer, type TestServer } from '../internal/server/start-server.ts';
import { damaged, settings, timeoutMs } from './parsers.ts';

let server: TestServer;
let task: string;
/** what the server noted of requests that it had no answer for */
const faults: unknown[] = [];
beforeAll(async () => {
  const logger = {
    ...silentLog,
    error: (message: string, fields?: object) => faults.push([message, fields]),
  };
  server = await startServer({ logger, limits: { adminRequestsPerSecond: 1_000_000 } });
  task = (await makeTask(server)).task.id;
});
afterAll(() => server.close());

const leaks = /node_modules|\/home\b|\/work\b|\bSELECT |\bINSERT |\n\s+at \S+ \(|\.ts:\d+/;

/** Sends a request as it is and closes. @returns everything that came back */
async function send(request: string): Promise<string> {
  const { socket, closed } = await openRaw(server);
  socket.end(request, 'latin1');
  return closed;
}

async function expectAnswer(request: string): Promise<void> {
  // a body that waits to be asked for is asked for first
  const answer = (await send(request)).replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
  // bytes that are no request may be met with silence, never with a fault or with anything of the inside
  if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 [2-5]\d\d /);
  expect(answer).not.toMatch(/^HTTP\/1\.1 500 /);
  expect(answer).not.toMatch(leaks);
  expect(faults.splice(0)).toEqual([]);
}

const headers = [
  ['Content-Type', ['application/json; charset=utf-8', 'multipart/form-data; boundary=x', 'text/plain']],
  ['Content-Length', ['2', '-1', '1e3']],
  ['Transfer-Encoding', ['chunked', 'gzip, chunked', 'identity']],
  ['Authorization', [`Bearer ${adminToken}`, 'Basic eDp5', 'Bearer']],
  ['Range', ['bytes=0-1', 'bytes=-5', 'bytes=5-1,9-']],
  ['Upload-Offset', ['0', '4096']],
  ['Lost-Bytes', ['0', '7']],
  ['Idempotency-Key', ['k-1']],
  ['Last-Event-ID', ['1-2', 'x']],
  ['X-Forwarded-For', ['203.0.113.9, 10.0.0.1', '[::1]:80']],
  ['Expect', ['100-continue']],
  ['Host', ['x', '127.0.0.1:8585']],
  ['Accept', ['text/event-stream', '*/*;q=0']],
  ['If-None-Match', ['"x"']],
] as const;
const paths = () =>
  [
    'tasks',
    `tasks/${task}`,
    `tasks/${task}/logs`,
    `tasks/${task}/attempts/1/streams/stdout`,
    'sessions',
  ] as const;

test(
  'S-58: a header of whatever content is answered, without a fault',
  async () => {
    const one = fc
      .constantFrom(...headers)
      .chain(([name, samples]) => damaged(samples).map((value) => `${name}: ${value}`));
    const parts = fc.tuple(
      fc.constantFrom('GET', 'POST', 'PATCH', 'HEAD', 'PUT'),
      fc.nat(4),
      fc.array(one, { maxLength: 3 }),
    );
    const property = fc.asyncProperty(parts, async ([method, which, lines]) => {
      const fixed = ['Host: x', `Authorization: Bearer ${adminToken}`, 'Connection: close'];
      await expectAnswer(
        [`${method} /api/v1/${paths()[which]} HTTP/1.1`, ...fixed, ...lines, '', '{}'].join('\r\n'),
      );
    });
    await fc.assert(property, settings());
  },
  timeoutMs,
);

const form = [
  '--x\r\nContent-Disposition: form-data; name="path"\r\n\r\na/b.txt\r\n',
  '--x\r\nContent-Disposition: form-data; name="file"; filename="../../b.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n',
  '--x--\r\n',
].join('');

test(
  'S-58: a form of whatever content is taken or refused, and what is taken has a path that stays where it is',
  async () => {
    const samples = [
      form,
      form.replace('filename="../../b.txt"', "filename*=UTF-8''%2e%2e%2fb"),
      form.replace('a/b.txt', '../x'),
    ];
    const property = fc.asyncProperty(damaged(samples), async (body) => {
      const bytes = Buffer.from(body).toString('latin1');
      const fixed = ['Host: x', `Authorization: Bearer ${adminToken}`, 'Connection: close'];
      const about = ['Content-Type: multipart/form-data; boundary=x', `Content-Length: ${bytes.length}`];
      const first = `POST /api/v1/tasks/${task}/artifacts HTTP/1.1`;
      await expectAnswer([first, ...fixed, ...about, '', bytes].join('\r\n'));
    });
    await fc.assert(property, settings());
    const { body } = await server.call('GET', `tasks/${task}/artifacts`);
    for (const { path } of body as { path: string }[])
      expect(path).not.toMatch(/^\/|(^|\/)\.\.(\/|$)|\p{Cc}/u);
  },
  timeoutMs,
);

const base = mkdtempSync(join(tmpdir(), 'front-fuzz-'));
afterAll(() => rmSync(base, { recursive: true }));

test.each([
  ['sh', ['sh']],
  ['bash', ['bash', '--posix']],
])(
  'the front of the commands under %s says a request as it was meant, or hands every word on',
  (_name, shell) => {
    const [run, front, full] = [join(base, 'task-1.1'), join(base, 'keruta'), join(base, 'full')];
    mkdirSync(run, { recursive: true });
    writeFileSync(full, '#!/bin/sh\nprintf "%s\\0" "$@"\n', { mode: 0o755 });
    writeFileSync(front, frontScript([full]), { mode: 0o755 });
    const lines = [
      'progress 50 --message half',
      'log INFO text',
      'fail --message x --error-code E',
      'start',
      'ask q?',
    ];
    const args = damaged(lines).map((line) => line.replaceAll('\0', '').toWellFormed().split(' '));
    const property = fc.property(args, (words) => {
      rmSync(join(run, 'mailbox'), { force: true });
      const env = {
        PATH: process.env.PATH ?? '',
        KERUTA_RUN_DIR: run,
        KERUTA_TASK_ID: 'task-1',
        LC_ALL: 'C.UTF-8',
      };
      const { stdout, stderr } = spawnSync(shell[0] ?? '', [...shell.slice(1), front, ...words], { env });
      expect(stderr.toString()).toBe('');
      const handed = stdout.length > 0;
      const said = existsSync(join(run, 'mailbox'))
        ? decodeMailbox(readFileSync(join(run, 'mailbox')), 0).records
        : [];
      if (handed) expect(stdout.toString().split('\0').slice(0, -1)).toEqual(words);
      expect(said.map((record) => record.words)).toEqual(handed ? [] : [words]);
      if (!handed) expect(parseRequest(words)).not.toBeNull();
    });
    fc.assert(property, settings(0.6));
  },
  timeoutMs,
);
