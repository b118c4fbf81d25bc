import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import type { TaskWire } from '../../internal/api/shapes.ts';
import { makePlace, type Started, until } from './place.ts';

/** From a file that changes to the task that it fires, with real programs and a real inotify. */
const place = makePlace('files');
afterAll(() => place.close());

const patientMs = 60_000;
let port = 0;

interface Watcher {
  readonly path: string;
  readonly state: string;
  readonly note: string | null;
  readonly unsent: number;
}

/** A server, with what is asked of it about one workflow that watches a directory. */
async function world(name: string, trigger: object = {}, script = 'printf %s "$KERUTA_PARAM_FILE_PATH"') {
  if (port === 0) port = (await place.server()).port;
  place.env = { ...place.env, KERUTA_BASE_DIR: place.path(`base-${name}`) };
  const root = place.path(name);
  mkdirSync(root);
  const triggers = [{ type: 'file', path: root, settle: '300ms', debounce: '100ms', ...trigger }];
  const value = { name, run: script, triggers };
  await place.api('POST', '/workflows', value);
  const session = await place.session(name).catch(async () => {
    const sessions = await place.api<{ id: string; name: string }[]>('GET', '/sessions');
    return sessions.find((one) => one.name === name)?.id ?? '';
  });
  const tasks = () => place.api<TaskWire[]>('GET', `/sessions/${session}/tasks`);
  return {
    root,
    session,
    path: (file: string) => `${root}/${file}`,
    /** What was fired, oldest first. */
    fired: async () =>
      (await tasks())
        .toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
        .map(({ parameters }) => {
          const { file_event: kind, file_path: path } = (parameters ?? {}) as Record<string, string>;
          return `${kind} ${path?.slice(root.length + 1)}`;
        }),
    tasks,
    history: async () => {
      const rows = await place.json<{ decision: string; details: Record<string, unknown> }[]>(
        'trigger',
        'history',
        name,
      );
      return rows.toReversed();
    },
  };
}

async function watcher(): Promise<Watcher | undefined> {
  const status = await place.keruta(['daemon', 'status', '--json']);
  return (JSON.parse(status.stdout) as { watchers: Watcher[] }).watchers[0];
}

async function agent(session: string): Promise<Started> {
  const started = await place.daemon(session);
  await until('it watches', async () => /watching|polling/.test((await watcher())?.state ?? ''), patientMs);
  return started;
}

test('files that are made, changed, renamed and removed fire once each; an atomic save is one change, and those that were there are none', async () => {
  const events = ['create', 'modify', 'delete', 'rename'];
  const here = await world('kinds', { events, patterns: ['*.txt'], ignore: ['skip'], ownChanges: 'run' });
  writeFileSync(here.path('old.txt'), 'x');
  const daemon = await agent(here.session);
  const expected: string[] = [];
  const step = async (word: string, act: () => void) => {
    act();
    expected.push(word);
    await until(word, async () => (await here.fired()).length >= expected.length, patientMs);
    expect(await here.fired()).toEqual(expected);
  };
  await step('create a b.txt', () => {
    writeFileSync(here.path('unwanted.log'), 'x');
    mkdirSync(here.path('skip'));
    writeFileSync(here.path('skip/a.txt'), 'x');
    writeFileSync(here.path('a b.txt'), 'one');
  });
  await step('modify a b.txt', () => {
    writeFileSync(here.path('.a.tmp'), 'two');
    renameSync(here.path('.a.tmp'), here.path('a b.txt'));
  });
  await step('rename new.txt', () => renameSync(here.path('old.txt'), here.path('new.txt')));
  await step('delete new.txt', () => rmSync(here.path('new.txt')));
  const logs = await Promise.all(
    (await here.tasks()).map(({ id }) => place.whole(id).then(() => place.logs(id))),
  );
  expect(logs.filter((log) => log === here.path('a b.txt'))).toHaveLength(2);
  expect(await daemon.stop()).toMatchObject({ status: 0 });
}, 170_000);

test('an agent that is killed between seeing and handing in loses nothing, and nothing fires twice', async () => {
  const here = await world('killed');
  const daemon = await agent(here.session);
  writeFileSync(here.path('first'), 'x');
  await until('the first is there', async () => (await here.fired()).length === 1, patientMs);
  const [task] = await here.tasks();
  await place.whole(task?.id ?? '');
  // a gate between agent and server: what is seen cannot be handed in
  const frozen = place.processes().filter(({ command }) => command.includes(' server '));
  for (const { pid: server } of frozen) process.kill(server, 'SIGSTOP');
  try {
    writeFileSync(here.path('second'), 'x');
    await until('it is seen', async () => (await watcher())?.unsent === 1, patientMs);
    await daemon.stop('SIGKILL');
    writeFileSync(here.path('third'), 'x');
    appendFileSync(here.path('first'), 'y');
  } finally {
    for (const { pid: server } of frozen) process.kill(server, 'SIGCONT');
  }
  const next = await agent(here.session);
  await until('all are there', async () => (await here.fired()).length >= 4, patientMs);
  // what comes while a task of the trigger runs would count as the task's own work
  for (const { id } of await here.tasks()) await place.whole(id, patientMs);
  writeFileSync(here.path('last'), 'x');
  await until('nothing is left', async () => (await here.fired()).includes('create last'), patientMs);
  expect((await here.fired()).toSorted()).toEqual(
    ['create first', 'create last', 'create second', 'create third', 'modify first'].toSorted(),
  );
  await next.stop();
}, 170_000);

test('F7: what its task writes into the directory fires nothing, and is on record', async () => {
  const script = 'echo out > "$KERUTA_PARAM_FILE_PATH.out"; echo more >> "$KERUTA_PARAM_FILE_PATH"';
  const here = await world('own', {}, script);
  const daemon = await agent(here.session);
  // two files may settle one after the other: then there is a row for each
  const own = async () =>
    (await here.history())
      .filter(({ decision, details }) => decision === 'skipped' && details.filteredBy === 'self_caused')
      .flatMap(({ details }) => details.paths as string[]);
  const outputs = (name: string) => [here.path(name), here.path(`${name}.out`)];
  writeFileSync(here.path('a'), 'x');
  await until('its own work is on record', async () => (await own()).length === 2, patientMs);
  // what comes while a task of the trigger runs would count as the task's own work
  for (const { id } of await here.tasks()) await place.whole(id, patientMs);
  writeFileSync(here.path('b'), 'x');
  await until('the next one too', async () => (await own()).length === 4, patientMs);
  expect((await own()).toSorted()).toEqual([...outputs('a'), ...outputs('b')]);
  expect(await here.fired()).toEqual(['create a', 'create b']);
  await daemon.stop();
}, 170_000);

const limited = 'echo 5 > /proc/sys/user/max_inotify_watches';
const mayLimit = spawnSync('unshare', ['-Ur', 'sh', '-c', limited]).status === 0;

test.skipIf(!mayLimit)(
  'when the system gives no more watches, log and status say so with the remedy, and files fire still',
  async () => {
    const here = await world('limited');
    // each directory needs a watch of its own
    for (let n = 0; n < 20; n++) mkdirSync(here.path(`${n}`));
    const words = `exec ${place.executable} daemon --session-id ${here.session} --port 0`;
    const daemon = place.start('unshare', ['-Ur', 'sh', '-c', `${limited}; ${words}`], {
      timeoutMs: 160_000,
    });
    const remedy = /the system gives no more watches; raise it: sysctl fs\.inotify\.max_user_watches=\d+/;
    await until('it says so', () => remedy.test(daemon.stderr()), patientMs);
    await until('it polls', async () => (await watcher())?.state === 'polling', patientMs);
    expect((await watcher())?.note).toMatch(remedy);
    writeFileSync(here.path('new'), 'x');
    await until('it fires', async () => (await here.fired()).length === 1, patientMs);
    expect(await here.fired()).toEqual(['create new']);
    await daemon.stop();
  },
  170_000,
);

test('keruta up watches for the sessions of workflows, and its status tells of all of them', async () => {
  const base = ['--base-dir', place.path('base-up')];
  const env = { PATH: place.env.PATH ?? '', HOME: place.home };
  const words = ['up', '--port', '0', '--agent-port', '0', ...base];
  const up = place.start(place.executable, words, { env, timeoutMs: 170_000 });
  await until('the agent is ready', () => /the agent is ready/.test(up.stderr()), patientMs);
  const keruta = (...args: string[]) => place.start(place.executable, [...args, ...base], { env }).ended;
  const status = async () => (await keruta('daemon', 'status')).stdout;
  for (const name of ['one', 'two']) {
    mkdirSync(place.path('home', name));
    const trigger = `triggers:\n  - type: file\n    path: ~/${name}\n    settle: 200ms\n`;
    place.file(`${name}.yaml`, `name: ${name}\nrun: 'true'\n${trigger}`);
    expect(await keruta('apply', '-f', `${name}.yaml`)).toMatchObject({ status: 0 });
    const line = `${name}/file ${place.path('home', name)} watching`;
    await until('it is watched', async () => (await status()).includes(line), patientMs);
    writeFileSync(place.path('home', name, 'a'), 'x');
    const completed = async () =>
      (await keruta('task', 'list', '--session', name)).stdout.includes('COMPLETED');
    await until('it ran', completed, patientMs);
  }
  expect(await status()).toMatch(
    /watcher +one\/file .* 1 files, 1 events\nwatcher +two\/file .* 1 files, 1 events/,
  );
  expect(await up.stop()).toMatchObject({ status: 0 });
}, 170_000);
