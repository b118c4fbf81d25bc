import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askSocket } from '../../pkg/local-http/ask-socket.ts';
import { until } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { isLiving, living } from './lab/processes.ts';
import { tally } from './lab/rounds.ts';

/** B. A task that deletes what it, or the agent, stands on: it carries a note of what is lost, and the next one runs. */
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open('tree-gone');
});
afterAll(() => lab.close());

const warnings = async (id: string) => {
  const lines = await lab.place.api<{ level: string; message: string }[]>('GET', `/tasks/${id}/logs`);
  return lines.filter(({ level }) => level === 'WARN').map(({ message }) => message);
};

test('F-24: a task that deletes the directory in which it works loses nothing, and the next one has it again', async () => {
  const session = await lab.place.session('f24 cwd');
  const agent = await lab.agent(session);
  const id = await lab.submit(session, 'echo before; rm -rf "$PWD"; cd /; echo after');
  const task = await lab.place.whole(id, 60_000);
  expect(task).toMatchObject({ status: 'COMPLETED', exitCode: 0, logComplete: true });
  expect(await lab.place.logs(id, 'stdout')).toBe('before\nafter\n');
  const next = await lab.submit(session, 'pwd; echo kept > "$KERUTA_ARTIFACTS_DIR/file"');
  expect(await lab.place.whole(next, 60_000)).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
  expect(await lab.place.artifacts(next)).toMatchObject([{ path: 'file', size: 5 }]);
  await agent.stop('SIGKILL');
  tally({ row: 'F-24', rounds: 1, note: 'working directory' });
});

test.each([
  ['the clone', 'rm -rf "$KERUTA_WORKING_DIR"'],
  ['everything in the clone but its .git', 'rm -rf "$KERUTA_WORKING_DIR"/*'],
  ['the objects of the clone', 'rm -rf "$KERUTA_WORKING_DIR"/.git/objects/*'],
])('F-24: a task that deletes %s: the next one finds it whole', async (what, deletes) => {
  const repositoryUrl = await lab.place.repository(`repository ${what.length}`.replace(' ', '-'));
  const session = await lab.place.session(`f24 ${what}`, { repositoryUrl });
  const agent = await lab.agent(session, { args: ['--allow-local-git'] });
  const id = await lab.submit(session, `cat README.md; ${deletes}; echo after`);
  expect(await lab.place.whole(id, 60_000)).toMatchObject({ status: 'COMPLETED', logComplete: true });
  expect(await lab.place.logs(id, 'stdout')).toBe('hello\nafter\n');
  const next = await lab.submit(session, 'cat README.md; git log --format=%s; git status --porcelain');
  expect(await lab.place.whole(next, 60_000)).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
  expect(await lab.place.logs(next, 'stdout')).toBe('hello\nfirst\n');
  await agent.stop('SIGKILL');
  tally({ row: 'F-24', rounds: 1, note: what });
});

test('F-24: a task that deletes its artifacts directory leaves none, and the next one has it again', async () => {
  const session = await lab.place.session('f24 artifacts');
  const agent = await lab.agent(session);
  const id = await lab.submit(
    session,
    'cd "$KERUTA_ARTIFACTS_DIR" && echo 1 > one && rm -rf "$PWD"; echo done',
  );
  expect(await lab.place.whole(id, 60_000)).toMatchObject({ status: 'COMPLETED', logComplete: true });
  expect(await lab.place.artifacts(id)).toEqual([]);
  const next = await lab.submit(session, 'echo kept > "$KERUTA_ARTIFACTS_DIR/file"');
  expect(await lab.place.whole(next, 60_000)).toMatchObject({ status: 'COMPLETED' });
  expect(await lab.place.artifacts(next)).toMatchObject([{ path: 'file', size: 5 }]);
  await agent.stop('SIGKILL');
  tally({ row: 'F-24', rounds: 1, note: 'artifacts directory' });
});

/** What the agent itself says, through what it keeps in its base directory. */
async function lookAt(base: string) {
  const read = (name: string) => JSON.parse(readFileSync(join(base, name), 'utf8'));
  const { url, pid, socket } = read('agent.json') as { url: string; pid: number; socket: string };
  const token = readFileSync(join(base, 'local.token'), 'utf8');
  const ask = async () => (await (await fetch(`${url}/health`)).json()) as { status: string };
  // a busy machine holds up its loop, which it tells for a while
  await until('it is healthy', async () => (await ask()).status === 'healthy', 60_000);
  const health = await ask();
  const status = await fetch(`${url}/status`, { headers: { authorization: `Bearer ${token}` } });
  const asked = await askSocket(socket, { path: '/health', timeoutMs: 10_000 });
  return { health, status: status.status, asked: asked.status, pid, holder: read('agent.lock').pid };
}

test.each([
  ['the directory of its run', 'rm -rf "$KERUTA_RUN_DIR"', ['shim_lost'], true],
  ['the files that keep its output', 'rm -f "$KERUTA_RUN_DIR"/std*', [null], false],
  ['the base directory of the agent', 'rm -rf "$BASE"', ['shim_lost'], true],
])(
  'F-24: a task that deletes %s says what is lost, and the next one runs',
  async (what, deletes, reasons, mute) => {
    const session = await lab.place.session(`f24 ${what}`);
    const base = `f24-${what.length}`;
    const directory = lab.place.path(`base-${base}`);
    const agent = await lab.agent(session, { base });
    const go = lab.place.path(`${base}-go`);
    const script = `BASE='${directory}'; echo before; until [ -e ${go} ]; do sleep 0.02; done
${deletes}; echo after; sleep 0.3; setsid sleep 7024001 & sleep 0.3; echo last; exit 5`;
    const id = await lab.submit(session, script);
    await until('the beginning is there', async () => (await lab.place.logs(id)) === 'before\n', 60_000);
    lab.place.file(`${base}-go`, '');
    const task = await lab.place.ended(id, 60_000);
    // the exit code goes with the directory in which it would have been written down
    const exitCode = mute ? null : 5;
    expect(task).toMatchObject({ status: 'FAILED', attempt: 1, exitCode });
    expect(reasons).toContain(task.reason);
    const notes = [/stdout was deleted.*behind byte 7 is missing/];
    if (mute) notes.push(/mailbox of the run was deleted/);
    await until('its notes are there', async () => {
      const told = await warnings(id);
      return notes.every((note) => told.some((one) => note.test(one)));
    });
    expect(await lab.place.logs(id, 'stdout')).toBe('before\n');
    type Attempts = { streams: { stdout: { lostBytes: number } } }[];
    const [attempt] = await lab.place.api<Attempts>('GET', `/tasks/${id}/attempts`);
    expect(attempt?.streams.stdout.lostBytes).toBeGreaterThan(0);
    await until('nothing of it is alive', () => living('sleep 7024001').length === 0);
    const next = await lab.submit(
      session,
      'echo next; keruta log WARN said; echo kept > "$KERUTA_ARTIFACTS_DIR/file"; keruta artifact add "$0" --name script >/dev/null',
    );
    expect(await lab.place.when(next, ({ logComplete }) => logComplete, 60_000)).toMatchObject({
      status: 'COMPLETED',
      exitCode: 0,
    });
    expect(await lab.place.logs(next, 'stdout')).toBe('next\n');
    expect(await warnings(next)).toEqual(['said']);
    const paths = (await lab.place.artifacts(next)).map(({ path }) => path);
    expect(paths.toSorted()).toEqual(['file', 'script']);
    // the agent can be asked again, and nobody can take its place
    expect(await lookAt(directory)).toMatchObject({
      health: { status: 'healthy' },
      ...{ status: 200, asked: 200, pid: agent.pid, holder: agent.pid },
    });
    const words = ['daemon', '--session-id', session, '--port', '0', '--base-dir', directory];
    expect(await lab.place.keruta(words)).toMatchObject({ status: 5 });
    // and an agent that comes after it finds everything in order
    await agent.stop('SIGKILL');
    const after = await lab.agent(session, { base });
    const third = await lab.submit(session, 'echo third');
    expect(await lab.place.ended(third, 60_000)).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
    await after.stop('SIGKILL');
    tally({ row: 'F-24', rounds: 1, note: what });
  },
);

test('F-24: an agent in the background whose base directory is deleted logs again, is named by its PID file, and can be stopped', async () => {
  const session = await lab.place.session('f24 background');
  const directory = lab.place.path('base-f24-background');
  const words = ['--session-id', session, '--port', '0', '--base-dir', directory];
  const started = await lab.place.keruta(['daemon', 'start', ...words], { timeoutMs: 60_000 });
  expect(started.status).toBe(0);
  const pidFile = join(directory, 'daemon.pid');
  const pid = Number(readFileSync(pidFile, 'utf8'));
  await lab.place.ended(await lab.submit(session, `rm -rf '${directory}'`), 60_000);
  const next = await lab.submit(session, 'echo next');
  expect(await lab.place.whole(next, 60_000)).toMatchObject({ status: 'COMPLETED' });
  expect(Number(readFileSync(pidFile, 'utf8'))).toBe(pid);
  expect(readFileSync(join(directory, 'logs', 'daemon.log'), 'utf8')).toContain(next);
  const stopped = await lab.place.keruta(['daemon', 'stop', '--base-dir', directory], { timeoutMs: 60_000 });
  expect(stopped.status).toBe(0);
  await until('it has ended', () => !isLiving(pid));
  tally({ row: 'F-24', rounds: 1, note: 'base directory of an agent in the background' });
});
