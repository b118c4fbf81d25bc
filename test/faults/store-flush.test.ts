import { spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { makePlace, type Place, until } from '../e2e/place.ts';
import { faultyExecutable } from './lab/lab.ts';
import { has } from './lab/processes.ts';
import { rounds, tally } from './lab/rounds.ts';
import { callOnce, Speaker } from './lab/speaker.ts';
import { Trace } from './lab/trace.ts';

/** F. The power fails: the trace of a server shows what would be on the disk at the moment of each answer. */
const canTrace = has('strace') && spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0;

/** A server under strace, with a token of its own. @returns ends it and reads what was seen */
async function traced(name: string): Promise<{ place: Place; read: () => Promise<Trace> }> {
  const place = makePlace(name, faultyExecutable);
  onTestFinished(() => place.close());
  const token = `krt_adm_${'flush'.repeat(8)}`;
  const calls = [
    ...['read', 'write', 'writev', 'sendto', 'pwrite64', 'pwritev', 'pwritev2', 'fsync', 'fdatasync'],
    ...['mkdir', 'mkdirat', 'open', 'openat'],
  ];
  // a slow disk: what does not wait for it is seen
  const slow = ['-e', 'inject=fsync,fdatasync:delay_enter=10000'];
  const words = ['-f', '-y', '-qq', '-s', '160', '-e', `trace=${calls}`, ...slow, '-o', place.path('trace')];
  const server = [place.executable, 'server', '--port', '0', '--data-dir', place.path('deep/server')];
  const env = { ...place.env, KERUTA_ADMIN_TOKEN: token };
  const started = place.start('strace', [...words, ...server], { env, timeoutMs: 90_000 });
  const address = () => /keruta listens on (\S+)/.exec(started.stdout())?.[1] ?? '';
  await until('it listens', () => address() !== '', 60_000);
  place.use(address(), token);
  const read = async () => {
    for (const { pid, command } of place.processes())
      if (command.startsWith(place.executable)) process.kill(pid, 'SIGTERM');
    await started.ended;
    return new Trace(readFileSync(place.path('trace'), 'utf8'));
  };
  return { place, read };
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
    const { place, read } = await traced('store-flush');
    const speaker = new Speaker(place, await place.session('f58'));
    for (let task = 0; task < rounds(3, 20); task++) await speaker.task(5);
    expect(speaker.refused).toBe(0);
    for (let task = 0; task < rounds(8, 60); task++)
      await bothStreams(place, await place.session(`f58 ${task}`));
    const trace = await read();

    const data = place.path('deep/server');
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
