import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { living } from './lab/processes.ts';
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
  const task = await lab.place.ended(id, 60_000);
  expect(task).toMatchObject({ status: 'COMPLETED', exitCode: 0, logComplete: true });
  expect(await lab.place.logs(id, 'stdout')).toBe('before\nafter\n');
  const next = await lab.submit(session, 'pwd; echo kept > "$KERUTA_ARTIFACTS_DIR/file"');
  expect(await lab.place.ended(next, 60_000)).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
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
  expect(await lab.place.ended(id, 60_000)).toMatchObject({ status: 'COMPLETED', logComplete: true });
  expect(await lab.place.logs(id, 'stdout')).toBe('hello\nafter\n');
  const next = await lab.submit(session, 'cat README.md; git log --format=%s; git status --porcelain');
  expect(await lab.place.ended(next, 60_000)).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
  expect(await lab.place.logs(next, 'stdout')).toBe('hello\nfirst\n');
  await agent.stop('SIGKILL');
  tally({ row: 'F-24', rounds: 1, note: what });
});

test.each([
  ['the directory of its run', 'rm -rf "$KERUTA_RUN_DIR"'],
  ['the files that keep its output', 'rm -f "$KERUTA_RUN_DIR"/std*'],
  ['the base directory of the agent', 'rm -rf "$BASE"'],
])('F-24: a task that deletes %s says what is lost, and the next one runs', async (what, deletes) => {
  const session = await lab.place.session(`f24 ${what}`);
  const base = `f24-${what.length}`;
  const agent = await lab.agent(session, { base });
  const go = lab.place.path(`${base}-go`);
  const script = `BASE='${lab.place.path(`base-${base}`)}'; echo before; until [ -e ${go} ]; do sleep 0.02; done
${deletes}; echo after; sleep 0.3; setsid sleep 7024001 & sleep 0.3; echo last; exit 5`;
  const id = await lab.submit(session, script);
  await until('the beginning is there', async () => (await lab.place.logs(id)) === 'before\n', 60_000);
  lab.place.file(`${base}-go`, '');
  const task = await lab.place.ended(id, 60_000);
  // the exit code went with the directory in which it would have been written down
  expect(task).toMatchObject({ status: 'FAILED', attempt: 1 });
  expect(['shim_lost', null]).toContain(task.reason);
  await until('its notes are there', async () => (await warnings(id)).length > 0);
  expect(await warnings(id)).toEqual(
    expect.arrayContaining([expect.stringMatching(/stdout was deleted.*behind byte 7 is missing/)]),
  );
  expect(await lab.place.logs(id, 'stdout')).toBe('before\n');
  type Attempts = { streams: { stdout: { lostBytes: number } } }[];
  const [attempt] = await lab.place.api<Attempts>('GET', `/tasks/${id}/attempts`);
  expect(attempt?.streams.stdout.lostBytes).toBeGreaterThan(0);
  await until('nothing of it is alive', () => living('sleep 7024001').length === 0);
  const next = await lab.submit(
    session,
    'echo next; keruta log INFO said; echo kept > "$KERUTA_ARTIFACTS_DIR/file"',
  );
  expect(await lab.place.when(next, ({ logComplete }) => logComplete, 60_000)).toMatchObject({
    status: 'COMPLETED',
    exitCode: 0,
  });
  expect(await lab.place.logs(next, 'stdout')).toBe('next\n');
  expect(await lab.place.artifacts(next)).toMatchObject([{ path: 'file', size: 5 }]);
  // and an agent that comes after it finds everything in order
  await agent.stop('SIGKILL');
  const after = await lab.agent(session, { base });
  const third = await lab.submit(session, 'echo third');
  expect(await lab.place.ended(third, 60_000)).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
  await after.stop('SIGKILL');
  tally({ row: 'F-24', rounds: 1, note: what });
});
