import { spawnSync } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { makePlace, type Place, until } from '../e2e/place.ts';
import { canFailCalls, failCalls } from './lab/failing-calls.ts';
import { faultyExecutable } from './lab/lab.ts';
import { has } from './lab/processes.ts';
import { rounds, tally } from './lab/rounds.ts';
import { type Answer, callOnce, Speaker } from './lab/speaker.ts';
import { Trace } from './lab/trace.ts';

/** F. The power fails: the trace of a server shows what would be on the disk at the moment of each answer. */
const canTrace = has('strace') && spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0;

/** A place that goes with its test. */
function placeFor(name: string): Place {
  const place = makePlace(name, faultyExecutable);
  onTestFinished(() => place.close());
  return place;
}

/** A server under strace, with a token of its own. @returns ends it and reads what was seen */
async function traced(place: Place, data: string): Promise<() => Promise<Trace>> {
  const token = `krt_adm_${'flush'.repeat(8)}`;
  const calls = [
    ...['read', 'write', 'writev', 'sendto', 'pwrite64', 'pwritev', 'pwritev2', 'fsync', 'fdatasync'],
    ...['mkdir', 'mkdirat', 'open', 'openat'],
  ];
  // a slow disk: what does not wait for it is seen
  const slow = ['-e', 'inject=fsync,fdatasync:delay_enter=10000'];
  const words = ['-f', '-y', '-qq', '-s', '160', '-e', `trace=${calls}`, ...slow, '-o', place.path('trace')];
  const server = [place.executable, 'server', '--port', '0', '--data-dir', data];
  const env = { ...place.env, KERUTA_ADMIN_TOKEN: token };
  const started = place.start('strace', [...words, ...server], { env, timeoutMs: 90_000 });
  const address = () => /keruta listens on (\S+)/.exec(started.stdout())?.[1] ?? '';
  await until('it listens', () => address() !== '', 60_000);
  place.use(address(), token);
  return async () => {
    for (const { pid, command } of place.processes())
      if (command.startsWith(place.executable)) process.kill(pid, 'SIGTERM');
    await started.ended;
    return new Trace(readFileSync(place.path('trace'), 'utf8'));
  };
}

/** Claims a new task and sends the first bytes of both its streams at the same time, as an agent does. */
async function bothStreams(place: Place, sessionId: string): Promise<void> {
  const id = await place.submit(sessionId, 'true');
  const claim = { agentId: randomUUID(), claimId: randomUUID() };
  expect((await callOnce(place, 'POST', `/api/v1/sessions/${sessionId}/claim`, { json: claim })).status).toBe(
    200,
  );
  const sent = ['stdout', 'stderr'].map((stream) =>
    callOnce(place, 'PATCH', `/api/v1/tasks/${id}/attempts/1/streams/${stream}`, {
      bytes: randomBytes(3_000),
      headers: { 'upload-offset': '0' },
    }),
  );
  for (const { status, text } of await Promise.all(sent)) expect([status, text]).toEqual([204, '']);
}

test.skipIf(!canTrace)(
  'F-58: each answer goes out behind the flush of what it acknowledges, bytes and names (needs strace)',
  async () => {
    const place = placeFor('store-flush');
    const data = place.path('deep/server');
    const read = await traced(place, data);
    const speaker = new Speaker(place, await place.session('f58'));
    for (let task = 0; task < rounds(3, 20); task++) await speaker.task(5);
    expect(speaker.refused).toBe(0);
    for (let task = 0; task < rounds(8, 60); task++)
      await bothStreams(place, await place.session(`f58 ${task}`));
    const trace = await read();

    const wal = `${data}/keruta.db-wal`;
    const changes = trace.answered().filter(({ request }) => /^(POST|PUT|PATCH|DELETE)/.test(request));
    const faults = new Set<string>();
    for (const { request, asked, answer } of changes) {
      const told = trace.flushes(wal, answer).at(-1);
      if (!told || told.began < asked.ended || !trace.isFlushed(wal, answer)) faults.add(`${request}: row`);
      for (const name of trace.unnamed(wal, place.directory, answer)) faults.add(`${request}: ${name}`);
      const [, id, stream] =
        /^PATCH \S+\/tasks\/([^/]+)\/(?:attempts\/1\/streams\/(\w+))?/.exec(request) ?? [];
      if (id === undefined) continue;
      const below = `${data}/blobs/${id}/${stream === undefined ? 'artifacts/' : `1/${stream}`}`;
      const opened = trace.calls.filter(
        ({ args }) => args.startsWith('AT_FDCWD') && args.includes(`"${below}`),
      );
      const paths = new Set(opened.map(({ args }) => /"([^"]+)"/.exec(args)?.[1] ?? ''));
      expect(paths.size, request).toBe(1);
      for (const path of paths) {
        if (!trace.isFlushed(path, answer)) faults.add(`${request}: bytes`);
        for (const name of trace.unnamed(path, place.directory, answer)) faults.add(`${request}: ${name}`);
        // first the bytes, then the row that tells of them
        const bytes = trace.flushes(path, answer).at(-1);
        if (!bytes || !told || bytes.ended > told.began) faults.add(`${request}: row before bytes`);
      }
    }
    expect([...faults], 'G-02: acknowledged, and not on the disk').toEqual([]);
    const parts = changes.filter(({ request }) => request.startsWith('PATCH')).length;
    expect(parts).toBe(rounds(3, 20) * 6 + rounds(8, 60) * 2);
    tally({
      ...{ row: 'F-58', rounds: changes.length },
      note: `answers, each behind its flush; ${parts} of them with bytes in files`,
    });
  },
);

/** Bytes of a task that are sent in two halves. */
const [half, other] = [Buffer.alloc(3_000, 'a'), Buffer.alloc(2_000, 'b')];
const whole = Buffer.concat([half, other]);

/** A claimed task, and what is sent of it: a stream, and an artifact whose first half is there. */
async function halves(place: Place, sessionId: string) {
  const id = await place.submit(sessionId, 'true');
  const claim = { agentId: randomUUID(), claimId: randomUUID() };
  await callOnce(place, 'POST', `/api/v1/sessions/${sessionId}/claim`, { json: claim });
  const task = `/api/v1/tasks/${id}`;
  const stream = `${task}/attempts/1/streams/stdout`;
  const sha256 = createHash('sha256').update(whole).digest('hex');
  const wish = { json: { attempt: 1, path: 'a', size: whole.length, sha256 } };
  const begin = () => callOnce(place, 'POST', `${task}/artifacts/uploads`, wish);
  const { uploadId } = JSON.parse((await begin()).text) as { uploadId: string };
  const upload = `${task}/artifacts/uploads/${uploadId}`;
  const send = (path: string, bytes: Buffer, at: number) =>
    callOnce(place, 'PATCH', path, { bytes, headers: { 'upload-offset': String(at) } });
  for (const path of [stream, upload]) expect((await send(path, half, 0)).status).toBe(204);
  const blobs = place.path('server/blobs', id);
  const files = {
    database: place.path('server/keruta.db-wal'),
    stream: `${blobs}/1/stdout`,
    artifact: `${blobs}/artifacts/${readdirSync(`${blobs}/artifacts`)[0]}`,
  };
  return { id, stream, upload, begin, files, send };
}

test.skipIf(!canFailCalls).each([
  ['flush the', 'database', []],
  ['flush the', 'stream', []],
  ['flush the', 'artifact', []],
  ['flush or shorten the', 'stream', ['ftruncate']],
  ['flush or shorten the', 'artifact', ['ftruncate']],
] as const)(
  'F-53: while the disk fails to %s %s nothing of it is acknowledged, and no later flush is taken for one (needs root and strace)',
  async (does, what, more) => {
    const place = placeFor('f53');
    let server = await place.server();
    const speaker = new Speaker(place, await place.session('f53 speaker'));
    await speaker.task(3);
    for (let round = 0; round < rounds(1, 10); round++) {
      const { id, stream, upload, begin, files, send } = await halves(
        place,
        await place.session(`f53 ${round}`),
      );
      const mend = await failCalls({
        pid: server.pid,
        calls: ['fsync', 'fdatasync', ...more],
        path: files[what],
      });
      const refused: (() => Promise<Answer>)[] = {
        database: [
          () => send(stream, other, half.length),
          () => callOnce(place, 'POST', '/api/v1/sessions', { json: { name: `f53 made ${round}` } }),
        ],
        stream: [() => send(stream, other, half.length)],
        artifact: [() => send(upload, other, half.length), () => send(upload, other, half.length)],
      }[what];
      for (const call of [...refused, ...refused]) expect((await call()).status).toBe(503);
      if (what !== 'database') {
        const path = what === 'stream' ? stream : upload;
        expect((await callOnce(place, 'HEAD', path)).offset).toBe(half.length);
      }
      if (what === 'artifact')
        expect(JSON.parse((await begin()).text)).toMatchObject({ offset: half.length, artifactId: null });
      await mend();
      expect((await send(stream, other, half.length)).status).toBe(204);
      expect((await send(upload, other, half.length)).status).toBe(201);
      await server.stop('SIGKILL');
      server = await place.server([], { port: server.port });
      expect(await place.logs(id, 'stdout')).toBe(String(whole));
      expect(await place.artifacts(id)).toMatchObject([{ path: 'a', size: whole.length }]);
      expect(
        (await callOnce(place, 'POST', '/api/v1/sessions', { json: { name: `f53 made ${round}` } })).status,
      ).toBe(201);
    }
    await speaker.task(3);
    await speaker.check();
    tally({ row: 'F-53', rounds: rounds(1, 10), note: `${does} ${what}` });
  },
);

test.skipIf(!canTrace)(
  'F-58: bytes that a killed server wrote and did not flush are flushed before the next one makes an artifact of them (needs strace)',
  async () => {
    const place = placeFor('f58-left');
    const server = await place.server();
    const { begin, files } = await halves(place, await place.session('f58'));
    await server.stop('SIGKILL');
    appendFileSync(files.artifact, other);
    const read = await traced(place, place.path('server'));
    expect(JSON.parse((await begin()).text)).toMatchObject({ artifactId: expect.any(String) });
    const trace = await read();
    const made = trace.answered().find(({ request }) => request.endsWith('/artifacts/uploads'));
    const flushes = made ? trace.flushes(files.artifact, made.answer) : [];
    expect(flushes, 'G-02: acknowledged, and not on the disk').not.toHaveLength(0);
    const told = made ? trace.flushes(files.database, made.answer).at(-1) : undefined;
    expect(flushes[0]?.ended).toBeLessThan(told?.began ?? 0);
    tally({ row: 'F-58', rounds: 1, note: 'left by a killed server' });
  },
);
