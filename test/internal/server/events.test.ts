import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { wholeCharacters } from '../../../internal/session/live-output.ts';
import { readPosition, writePosition } from '../../../internal/session/live-position.ts';
import { heldUp } from '../../faults/lab/starvation.ts';
import { makeTask, openEvents, outputOf } from './claims-client.ts';
import { startServer, type TestServer } from './start-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const octets = { 'content-type': 'application/octet-stream' };

async function running() {
  const made = await makeTask(server);
  await made.claim();
  let attempt = 1;
  const at = () => `tasks/${made.task.id}/attempts/${attempt}`;
  const offsets = { stdout: 0, stderr: 0 };
  const write = async (text: string | Buffer, stream: 'stdout' | 'stderr' = 'stdout') => {
    const body = Buffer.from(text as string);
    const answer = await server.call('PATCH', `${at()}/streams/${stream}`, body, {
      ...octets,
      'upload-offset': String(offsets[stream]),
    });
    offsets[stream] += body.length;
    expect(answer.status).toBe(204);
  };
  const finish = async (exitCode = 0) => {
    const { streams } = (await server.call('GET', `tasks/${made.task.id}/attempts`)).body.at(-1);
    const time = { startedAt: '2026-01-01T00:00:00.000Z', exitedAt: '2026-01-01T00:00:01.000Z' };
    const ended = { exitCode, signal: null, reason: null, controlSeq: 0, artifacts: [], usage: null };
    await server.call('POST', `${at()}/exited`, { ...ended, ...time });
    expect((await server.call('POST', `${at()}/finish`, { ...ended, ...time, streams })).status).toBe(200);
  };
  const nextAttempt = async () => {
    await made.claim();
    attempt += 1;
    Object.assign(offsets, { stdout: 0, stderr: 0 });
  };
  return { ...made, path: `tasks/${made.task.id}/events`, write, finish, nextAttempt };
}

describe('the events of a task', () => {
  test('begin with a snapshot, bring output at once, and end with the task', async () => {
    const { task, path, write, finish } = await running();
    await write('before\n');
    const events = await openEvents(server, path);
    expect(events.response.headers.get('content-type')).toContain('text/event-stream');
    await events.until((event) => event.event === 'output');
    expect(events.seen[0]).toMatchObject({
      event: 'snapshot',
      data: { tasks: [{ id: task.id, status: 'PROCESSING' }] },
    });
    await write('live\n', 'stderr');
    const [writtenAt, held] = [performance.now(), heldUp()];
    await events.until((event) => event.data.stream === 'stderr');
    expect(performance.now() - writtenAt).toBeLessThan(1_000 + held());
    await server.call('POST', `tasks/${task.id}/logs`, { level: 'INFO', message: 'said' });
    await finish(3);
    const seen = await events.until((event) => event.event === 'nothing');
    expect(outputOf(seen, 'stdout') + outputOf(seen, 'stderr')).toBe('before\nlive\n');
    expect(seen.find((event) => event.event === 'log')?.data).toMatchObject({
      message: 'said',
      taskId: task.id,
    });
    expect(seen.at(-1)).toMatchObject({
      event: 'end',
      data: { status: 'FAILED', exitCode: 3, logComplete: true },
    });
    const late = await openEvents(server, path);
    const all = await late.until(() => false);
    expect(outputOf(all, 'stdout')).toBe('before\n');
    expect(all.at(-1)?.event).toBe('end');
  });

  test('resume behind any event without losing or repeating output', async () => {
    const { path, write, finish } = await running();
    const first = await openEvents(server, path);
    await write('one ');
    await write('zwei ü', 'stderr');
    await first.until((event) => event.data.stream === 'stderr');
    await first.close();
    await write('two ');
    await write('three');
    await finish();
    for (const [index, { id }] of first.seen.entries()) {
      const before = first.seen.slice(0, index + 1);
      const rest = await openEvents(server, path, id);
      const after = await rest.until(() => false);
      expect(outputOf(before, 'stdout') + outputOf(after, 'stdout')).toBe('one two three');
      expect(outputOf(before, 'stderr') + outputOf(after, 'stderr')).toBe('zwei ü');
      expect(after.map((event) => event.event)).toContain('end');
    }
  });

  test('never cut a character, and replace what is none', async () => {
    const { path, write, finish } = await running();
    const bytes = Buffer.from('日本');
    const events = await openEvents(server, path);
    await write(bytes.subarray(0, 4));
    await events.until((event) => event.event === 'output');
    expect(outputOf(events.seen, 'stdout')).toBe('日');
    await write(bytes.subarray(4));
    await write(Buffer.from([0xff, 0x41, 0xe3]));
    await finish();
    expect(outputOf(await events.until(() => false), 'stdout')).toBe('日本\uFFFDA\uFFFD');
  });

  test('come without output when none is wanted, and bring a long one in pieces', async () => {
    const { path, write, finish } = await running();
    const text = 'äöü0123456789'.repeat(50_000);
    await write(text);
    await finish();
    const with_ = await openEvents(server, path);
    const seen = await with_.until(() => false);
    expect(outputOf(seen, 'stdout')).toBe(text);
    expect(seen.filter((event) => event.event === 'output').length).toBeGreaterThan(10);
    const without = await openEvents(server, `${path}?output=false`);
    expect((await without.until(() => false)).map((event) => event.event)).toEqual(['snapshot', 'end']);
  });
});

describe('the events of a session', () => {
  test('follow one task after another, with every attempt, also when the reader was away', async () => {
    const { session, task, claim, add, write, finish, nextAttempt } = await running();
    const path = `sessions/${session.id}/events`;
    const first = await openEvents(server, path);
    await write('a1 ');
    await first.until((event) => event.event === 'output');
    await first.close();
    await write('a2');
    await finish(1);
    await server.call('POST', `tasks/${task.id}/retry`);
    await nextAttempt();
    await write('b1');
    await finish();
    const other = await add();
    const rest = await openEvents(server, path, first.seen.at(-1)?.id);
    await rest.until((event) => event.data.taskId === other.id && event.data.status === 'PENDING');
    await claim();
    const seen = await rest.until(
      (event) => event.data.taskId === other.id && event.data.status === 'PROCESSING',
    );
    const outputs = seen
      .filter((event) => event.event === 'output')
      .map((event) => [event.data.attempt, event.data.text]);
    expect(outputs).toEqual([
      [1, 'a2'],
      [2, 'b1'],
    ]);
    const told = seen.filter((event) => event.event === 'status' || event.event === 'end');
    expect(told.map((event) => `${event.event} ${event.data.status} ${event.data.attempt}`)).toContain(
      'end COMPLETED 2',
    );
    await rest.close();
  });

  test('carry positions that are read back, and pass over what is none', () => {
    const position = { seq: 7, follows: [{ taskId: 'a-1', number: 2, offsets: { stdout: 3, stderr: 4 } }] };
    expect(readPosition(writePosition(position))).toEqual(position);
    for (const text of [undefined, '', 'x', '1;', '1;a.b.c.d', '99999999999999999'])
      expect(readPosition(text)).toBeNull();
  });

  test('find whole characters', () => {
    for (const [bytes, whole] of [
      [[0x41], 1],
      [[0xc3], 0],
      [[0xc3, 0xa4], 2],
      [[0x41, 0xe3, 0x81], 1],
      [[0xf0, 0x9f, 0x98], 0],
      [[0xf0, 0x9f, 0x98, 0x80], 4],
      [[0x80, 0x80, 0x80, 0x80], 4],
      [[], 0],
    ] as const) {
      expect(wholeCharacters(Uint8Array.from(bytes))).toBe(whole);
    }
  });
});

describe('the events of the plain protocol', () => {
  test('say connected first, then what happens to the session', async () => {
    const { session } = await makeTask(server);
    const one = await openEvents(server, `sessions/realtime/events?sessionId=${session.id}`);
    const seen = await one.until((event) => event.event === 'connected');
    expect(seen[0]?.data).toMatchObject({ sessionId: session.id, timestamp: expect.any(Number) });
    await server.call('PUT', `sessions/${session.id}`, { name: `renamed-${session.id}` });
    await one.until((event) => event.event === 'session_metadata_update');
    expect(one.seen.at(-1)?.data).toMatchObject({ sessionId: session.id, data: { sessionId: session.id } });
    await one.close();
    expect((await server.call('GET', 'sessions/realtime/health')).body).toMatchObject({ status: 'UP' });
    expect((await server.call('GET', 'sessions/realtime/stats')).status).toBe(200);
    expect((await server.call('GET', 'sessions/realtime/events?sessionId=none')).status).toBe(404);
  });

  test('follow all sessions, also those that come and go', async () => {
    const all = await openEvents(server, 'sessions/realtime/events');
    await all.until((event) => event.event === 'connected');
    const { body } = await server.call('POST', 'sessions', { name: 'comes and goes' });
    await all.until((event) => event.event === 'session_created' && event.data.sessionId === body.id);
    await server.call('DELETE', `sessions/${body.id}`);
    await all.until((event) => event.event === 'session_deleted' && event.data.sessionId === body.id);
    await all.close();
  });
});
