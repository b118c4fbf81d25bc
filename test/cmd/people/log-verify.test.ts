import { appendFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { parseSpoken } from '../../../cmd/keruta/task-commands/grammar.ts';
import type { ApiClient } from '../../../internal/api/client/client.ts';
import type { StreamName } from '../../../internal/domain/task.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { recordOf } from '../../internal/worker/records.ts';
import { cli } from '../harness.ts';
import { useServer } from '../server-in-home.ts';

const place = useServer();
let home = '';
let api: ApiClient;
beforeAll(() => {
  home = place.home;
  api = place.api();
});

/** Plays an agent: claims a new task and sends this output. */
async function claimed(output: Partial<Record<StreamName, string>>) {
  const session = await api.sessions.create({ name: systemRandom.uuid4() });
  const { id } = await api.tasks.create({ sessionId: session.id, name: 't', script: 'true', autoFix: false });
  const { claim } = await api.attempts.claim(session.id, { agentId: 'a1', claimId: systemRandom.uuid4() });
  const name = { taskId: id, attempt: claim?.attempt.number ?? 0 };
  for (const [stream, text] of Object.entries(output) as [StreamName, string][]) {
    await api.attempts.patchStream(name, { stream, offset: 0, bytes: Buffer.from(text) });
  }
  return { id, name, directory: join(home, '.keruta/runs', `${id}.${name.attempt}`) };
}

async function finished(output: Partial<Record<StreamName, string>>, lostBytes = 0) {
  const run = await claimed(output);
  const end = (text = '') => ({ size: text.length, crc32: crc32(text), lostBytes: 0 });
  if (lostBytes > 0) {
    const gap = { stream: 'stdout', offset: output.stdout?.length ?? 0, bytes: lostBytes } as const;
    await api.attempts.declareLost(run.name, gap);
  }
  const at = new Date().toISOString();
  const how = { exitCode: 0, signal: null, reason: null, startedAt: at, exitedAt: at };
  const streams = { stdout: { ...end(output.stdout), lostBytes }, stderr: end(output.stderr) };
  await api.attempts.finish(run.name, { ...how, controlSeq: 0, streams, artifacts: [], usage: null });
  return { ...run, streams };
}

interface Verified {
  readonly whole: boolean;
  readonly attempts: readonly {
    readonly runDirectory: string | null;
    readonly notes: readonly string[];
    readonly streams: Readonly<Record<StreamName, { readonly faults: readonly unknown[] }>>;
  }[];
}

async function verify(id: string, ...words: string[]) {
  const { status, out, err } = await cli(['log', 'verify', id, '--json', ...words], { home });
  return { status, err, ...(JSON.parse(out || '{}') as Verified) };
}

function putRun(directory: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
}

test('the output of an ended task is whole, without a directory of the run on this machine', async () => {
  const { id } = await finished({ stdout: 'hello\n', stderr: 'oh\n' });
  const { status, out } = await cli(['log', 'verify', id.slice(0, 8)], { home });
  expect(out).toContain('attempt 1 (finished): whole; this machine has no directory of it');
  expect(out).toContain('stdout: 6 bytes, checksum right');
  expect(status).toBe(0);
});

test('the receipt of the agent is compared with the server', async () => {
  const { id, directory, streams, name } = await finished({ stdout: 'hello\n' });
  const receipt = (change: object) => ({
    ...{ version: 1, taskId: id, attempt: name.attempt, state: 'reported', status: 'COMPLETED' },
    ...{ streams: { ...streams, ...change }, artifacts: [], at: Date.now() },
  });
  putRun(directory, { 'receipt.json': JSON.stringify(receipt({})) });
  expect(await verify(id)).toMatchObject({ status: 0, whole: true, attempts: [{ runDirectory: directory }] });
  const more = receipt({ stdout: { size: 10, crc32: 1, lostBytes: 0 } });
  putRun(directory, { 'receipt.json': JSON.stringify(more) });
  const { status, whole, attempts } = await verify(id);
  expect([status, whole]).toEqual([1, false]);
  expect(attempts[0]?.streams.stdout.faults).toMatchObject([{ kind: 'missing', from: 6, to: 10 }]);
  expect(attempts[0]?.streams.stderr.faults).toEqual([]);
});

test('what an agent has not sent yet is named with its place, and is whole once it is sent', async () => {
  const { id, name, directory } = await claimed({ stdout: 'one\n' });
  const cursor = {
    version: 1,
    streams: { stdout: { offset: 4, crc32: 0 }, stderr: { offset: 0, crc32: 0 } },
  };
  putRun(directory, {
    'task.json': JSON.stringify(recordOf('t')),
    'cursor.json': JSON.stringify(cursor),
    stdout: 'one\n*** secret\n',
    stderr: '',
  });
  const { status, out } = await cli(['log', 'verify', id], { home });
  expect(status).toBe(1);
  expect(out).toContain(
    `stdout: bytes 4–14 are not on the server; they are in ${directory}/stdout and are sent when`,
  );
  const bytes = Buffer.from('**********\n');
  await api.attempts.patchStream(name, { stream: 'stdout', offset: 4, bytes });
  const after = await verify(id);
  expect(after).toMatchObject({ status: 0, whole: true });
  expect(after.attempts[0]?.notes.join()).toContain('still open');
});

test('losses are named whether the run or the server knows of them', async () => {
  const { id } = await finished({ stdout: 'hello\n' }, 500);
  const told = await verify(id);
  expect(told.status).toBe(1);
  expect(told.attempts[0]?.streams.stdout.faults).toMatchObject([{ kind: 'lost' }]);
  const open = await claimed({ stdout: 'hello\n' });
  putRun(open.directory, {
    'task.json': JSON.stringify(recordOf('t')),
    stdout: 'hello\n',
    loss: 'stdout 6 full\n',
  });
  const { attempts } = await verify(open.id);
  expect(attempts[0]?.streams.stdout.faults).toMatchObject([{ kind: 'lost', from: 6 }]);
});

test('a damaged store of the server is found out', async () => {
  const { id } = await finished({ stdout: 'hello world\n' });
  const blob = join(home, '.keruta/server/blobs', id, '1/stdout');
  expect(readFileSync(blob, 'utf8')).toBe('hello world\n');
  writeFileSync(blob, 'hello World\n');
  expect((await verify(id)).attempts[0]?.streams.stdout.faults).toMatchObject([{ kind: 'differs' }]);
  truncateSync(blob, 5);
  const { status, attempts } = await verify(id);
  expect(status).toBe(1);
  expect(attempts[0]?.streams.stdout.faults).toMatchObject([{ kind: 'missing', from: 5, to: 12 }]);
  writeFileSync(blob, 'hello world\n');
  appendFileSync(blob, 'never acknowledged');
  expect(await verify(id)).toMatchObject({ status: 0, whole: true });
});

test('an attempt that is not there, a task that was not run, and a task that is none exit with 4', async () => {
  const { id } = await finished({});
  expect(await verify(id, '--attempt', '2')).toMatchObject({
    status: 4,
    err: expect.stringContaining('it has 1'),
  });
  const session = await api.sessions.create({ name: systemRandom.uuid4() });
  const task = await api.tasks.create({ sessionId: session.id, name: 't', script: 'true' });
  expect(await verify(task.id)).toMatchObject({ status: 4, err: expect.stringContaining('PENDING') });
  expect((await verify('ffffffff')).status).toBe(4);
});

test('log verify is a command, and no line of a task’s log', () => {
  expect(parseSpoken(['log', 'verify', '3f2a'])).toBeNull();
  expect(parseSpoken(['log', 'INFO', 'verify'])).not.toBeNull();
});
