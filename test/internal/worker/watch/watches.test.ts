import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { FileEvent, WatchWire } from '../../../../internal/api/watch-shapes.ts';
import { UnavailableError } from '../../../../internal/domain/errors.ts';
import { systemLimits } from '../../../../internal/worker/watch/arming.ts';
import { TaskTimes } from '../../../../internal/worker/watch/task-times.ts';
import { Watches, type WatchesParts } from '../../../../internal/worker/watch/watches.ts';
import { systemClock } from '../../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../../pkg/log/log.ts';
import { systemRandom } from '../../../../pkg/random/random.ts';
import { ran } from './samples.ts';

const patient = { timeout: 60_000, interval: 20 };
vi.setConfig({ testTimeout: 90_000 });

function place() {
  const directory = mkdtempSync(join(tmpdir(), 'watch-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const root = join(directory, 'in');
  mkdirSync(root);
  return { directory, root };
}

interface Wish extends Partial<WatchesParts> {
  readonly watch?: Partial<WatchWire>;
  /** stands between the agent and the server */
  readonly onFire?: (events: readonly FileEvent[]) => Promise<void>;
  readonly state?: RegExp;
}

async function begin({ directory, root }: ReturnType<typeof place>, wish: Wish = {}) {
  const { watch: more, state = /watching|polling/, onFire = async () => {}, ...parts } = wish;
  const told: FileEvent[] = [];
  const watch: WatchWire = {
    ...{ triggerId: 't', workflow: 'w', name: 'file', path: root, patterns: ['**'], ignore: [] },
    ...{ events: ['create', 'modify', 'delete', 'rename'], settleMs: 200, debounceMs: 50 },
    ...{ mode: 'perFile', onStart: null, maxEntries: 50_000, ownChanges: 'ignore', ...more },
  };
  const watches = new Watches({
    ...{ clock: systemClock, random: systemRandom, log: silentLog, agentId: 'a' },
    ...{ directory: join(directory, 'state'), home: directory, times: new TaskTimes(systemClock) },
    source: {
      claim: async () => ({ watches: [watch], heldBy: null }),
      fire: async (_id, { events }) => {
        await onFire(events as FileEvent[]);
        told.push(...(events as FileEvent[]));
        return { results: events.map(() => ran) };
      },
    },
    ...parts,
  });
  const over = new AbortController();
  const done = watches.run(over.signal);
  const stop = async () => {
    over.abort();
    await done;
  };
  onTestFinished(stop);
  await vi.waitFor(() => expect(watches.status()[0]?.state).toMatch(state), patient);
  const wordsOf = (events: readonly FileEvent[]) =>
    events
      .flatMap(({ changes }) => changes)
      .map(({ kind, path }) => `${kind} ${path.slice(root.length + 1)}`);
  return {
    ...{ told, stop, watches, status: () => watches.status()[0] },
    words: () => wordsOf(told.filter(({ ownTask }) => ownTask === undefined)),
    own: () => wordsOf(told.filter(({ ownTask }) => ownTask !== undefined)),
    /** What is told comes in order, so when this is told nothing before it is left. */
    until: async (name: string) => {
      writeFileSync(join(root, name), name);
      await vi.waitFor(() => expect(wordsOf(told)).toContain(`create ${name}`), patient);
    },
  };
}

describe('a watched directory', () => {
  test('F-87: an atomic save is one event, a touch and a link out of the directory are none', async () => {
    const here = place();
    writeFileSync(join(here.root, 'a'), 'one');
    writeFileSync(join(here.root, 'touched'), 'one');
    symlinkSync('/', join(here.root, 'out'));
    symlinkSync('.', join(here.root, 'loop'));
    const { words, until } = await begin(here);
    writeFileSync(join(here.root, '.a.tmp'), 'two');
    renameSync(join(here.root, '.a.tmp'), join(here.root, 'a'));
    utimesSync(join(here.root, 'touched'), 1, 1);
    await vi.waitFor(() => expect(words()).toContain('modify a'), patient);
    await until('z');
    expect(words()).toEqual(['modify a', 'create z']);
  });

  test('waits for a program that writes a file with pauses, and tells of it once, when it is whole', async () => {
    const here = place();
    const path = join(here.root, 'slow');
    const seen: string[] = [];
    const { words, until } = await begin(here, {
      watch: { settleMs: 3_000 },
      onFire: async (events) => {
        if (events.some(({ changes }) => changes.some((change) => change.path === path)))
          seen.push(readFileSync(path, 'utf8'));
      },
    });
    const lines = 'for n in 1 2 3 4 5 6; do echo $n >> "$0"; sleep 0.4; done';
    const writer = spawn('/bin/sh', ['-c', lines, path], { stdio: 'ignore' });
    expect(await once(writer, 'exit')).toEqual([0, null]);
    await until('z');
    expect(words()).toEqual(['create slow', 'create z']);
    expect(seen).toEqual(['1\n2\n3\n4\n5\n6\n']);
  });

  test('tells of what is made, changed, renamed and removed, and of nothing else when it is asked so', async () => {
    const here = place();
    for (const name of ['changed', 'old', 'removed', 'x.log']) writeFileSync(join(here.root, name), name);
    const { words, told, until } = await begin(here, {
      watch: {
        events: ['create', 'rename', 'delete'],
        ignore: ['*.log'],
        patterns: ['{[!z]*,changed,old,new,removed,x.log,made,y}'],
      },
    });
    writeFileSync(join(here.root, 'made'), 'x');
    appendFileSync(join(here.root, 'changed'), 'x');
    appendFileSync(join(here.root, 'x.log'), 'x');
    renameSync(join(here.root, 'old'), join(here.root, 'new'));
    rmSync(join(here.root, 'removed'));
    await vi.waitFor(() => expect(words()).toHaveLength(3), patient);
    await until('y');
    expect(words().toSorted()).toEqual(['create made', 'create y', 'delete removed', 'rename new']);
    const [renamed] = told.flatMap(({ changes }) => changes).filter(({ kind }) => kind === 'rename');
    expect(renamed?.renamedFrom).toBe(join(here.root, 'old'));
  });

  test('1,000 files in new nested directories are all told, once each', async () => {
    const here = place();
    const { words } = await begin(here);
    for (let n = 0; n < 1000; n++) {
      const directory = join(here.root, `d${n % 10}`, `e${n % 100}`);
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, `${n}`), `${n}`);
    }
    await vi.waitFor(() => expect(words().length).toBeGreaterThanOrEqual(1000), patient);
    expect(new Set(words()).size).toBe(1000);
    expect(words()).toHaveLength(1000);
  });

  test('files that come faster than the system keeps in mind are all told, once each', {
    timeout: 300_000,
  }, async () => {
    const here = place();
    const { told, words } = await begin(here, { maxUnsent: 2_000 });
    // each is four events of 16,384 that are kept, and nothing is read of them while these are written
    const count = 4_500;
    for (let round = 0; round < 3; round++)
      for (let n = 0; n < count; n++) appendFileSync(join(here.root, `${n}`), 'x');
    await vi.waitFor(() => expect(told.length).toBeGreaterThanOrEqual(count), {
      timeout: 240_000,
      interval: 100,
    });
    expect(new Set(words()).size).toBe(count);
    expect(words()).toHaveLength(count);
  });

  test('50,000 files at once are all told, once each', { timeout: 300_000 }, async () => {
    const here = place();
    const { told, words } = await begin(here, { watch: { mode: 'batch', maxEntries: 60_000 } });
    const changes = () => told.reduce((sum, one) => sum + one.changes.length, 0);
    for (let n = 0; n < 50_000; n++) {
      if (n % 500 === 0) mkdirSync(join(here.root, `d${n / 500}`));
      writeFileSync(join(here.root, `d${Math.floor(n / 500)}`, `${n}`), '');
    }
    await vi.waitFor(() => expect(changes()).toBeGreaterThanOrEqual(50_000), {
      timeout: 240_000,
      interval: 500,
    });
    expect(new Set(words()).size).toBe(50_000);
    expect(words()).toHaveLength(50_000);
    // a file of a batch is never left behind for being one of many
    expect(Math.max(...told.map((one) => one.changes.length))).toBeLessThanOrEqual(1_000);
  });

  test('more than 50,000 files at once are too many, and the status says what to do', {
    timeout: 300_000,
  }, async () => {
    const here = place();
    const { told, status } = await begin(here);
    for (let n = 0; n <= 50_000; n++) writeFileSync(join(here.root, `${n}`), '');
    await vi.waitFor(() => expect(status()?.state).toBe('failed'), { timeout: 240_000, interval: 500 });
    expect(status()?.note).toMatch(/more than 50000 files and directories; name a smaller directory/);
    expect(told.length).toBeLessThan(50_000);
  });

  test('a tree that is moved in is told whole', async () => {
    const here = place();
    const { words } = await begin(here);
    mkdirSync(join(here.directory, 'tree'));
    for (let n = 0; n < 100; n++) writeFileSync(join(here.directory, 'tree', `${n}`), 'x');
    renameSync(join(here.directory, 'tree'), join(here.root, 'tree'));
    await vi.waitFor(() => expect(words()).toHaveLength(100), patient);
  });

  test('in a batch, what changed together is one event', async () => {
    const here = place();
    const { told } = await begin(here, { watch: { mode: 'batch' } });
    for (let n = 0; n < 20; n++) writeFileSync(join(here.root, `${n}`), 'x');
    await vi.waitFor(() => expect(told.flatMap(({ changes }) => changes)).toHaveLength(20), patient);
    expect(told.length).toBeLessThan(3);
  });

  test('that is removed and made again is watched again', async () => {
    const here = place();
    writeFileSync(join(here.root, 'a'), 'x');
    writeFileSync(join(here.root, 'b'), 'x');
    const { words, status } = await begin(here);
    rmSync(here.root, { recursive: true });
    await vi.waitFor(() => expect(status()?.state).toBe('failed'), patient);
    expect(status()?.note).toBe(`${here.root} is not there; it is looked for every 2 s`);
    mkdirSync(here.root);
    writeFileSync(join(here.root, 'a'), 'x');
    await vi.waitFor(() => expect(words()).toContain('delete b'), patient);
    writeFileSync(join(here.root, 'c'), 'x');
    await vi.waitFor(() => expect(words()).toContain('create c'), patient);
    expect(words().filter((word) => word !== 'delete a' && word !== 'create a')).toEqual([
      'delete b',
      'create c',
    ]);
  });

  test('that is not there is waited for, and what it comes with is new', async () => {
    const here = place();
    rmSync(here.root, { recursive: true });
    const { words } = await begin(here, { state: /failed/ });
    mkdirSync(here.root);
    writeFileSync(join(here.root, 'a'), 'x');
    await vi.waitFor(() => expect(words()).toEqual(['create a']), patient);
  });

  test('may be named from the home directory', async () => {
    const here = place();
    const { words, status } = await begin(here, { watch: { path: '~/in' } });
    expect(status()?.path).toBe(here.root);
    writeFileSync(join(here.root, ' new\nline '), 'x');
    await vi.waitFor(() => expect(words()).toEqual(['create  new\nline ']), patient);
  });
});

describe('while nobody watches', () => {
  test('what changes is found at the next start, and nothing else', async () => {
    const here = place();
    for (const name of ['same', 'changed', 'removed']) writeFileSync(join(here.root, name), 'x');
    const first = await begin(here);
    await first.stop();
    expect(first.told).toEqual([]);
    appendFileSync(join(here.root, 'changed'), 'y');
    rmSync(join(here.root, 'removed'));
    writeFileSync(join(here.root, 'made'), 'x');
    const second = await begin(here);
    await vi.waitFor(() => expect(second.words()).toHaveLength(3), patient);
    expect(second.words().toSorted()).toEqual(['create made', 'delete removed', 'modify changed']);
  });

  test('files are there already: they are told of by `onStart: run`, and left by `onStart: baseline`', async () => {
    const here = place();
    writeFileSync(join(here.root, 'a'), 'x');
    const first = await begin(here, { watch: { onStart: 'run' } });
    await vi.waitFor(() => expect(first.words()).toEqual(['create a']), patient);
    await first.stop();
    writeFileSync(join(here.root, 'b'), 'x');
    const second = await begin(here, { watch: { onStart: 'baseline' } });
    await second.until('z');
    expect(second.words()).toEqual(['create z']);
  });

  test('the trigger is switched off: then nothing is made good when it comes again, and nothing is left of it', async () => {
    const here = place();
    await (await begin(here)).stop();
    const without = begin(here, {
      source: { claim: async () => ({ watches: [], heldBy: null }), fire: vi.fn() },
    });
    void without.catch(() => {});
    await vi.waitFor(() => expect(readdirSync(join(here.directory, 'state'))).toEqual([]), patient);
    writeFileSync(join(here.root, 'a'), 'x');
    const second = await begin(here);
    await second.until('z');
    expect(second.words()).toEqual(['create z']);
  });

  test('a server that took an event and could not say so is told of it again, in the same state', async () => {
    const here = place();
    const calls: string[] = [];
    const watch: { source?: WatchesParts['source'] } = {};
    const first = await begin(here);
    await first.stop();
    writeFileSync(join(here.root, 'a'), 'x');
    let fail = true;
    const claim = async () => ({
      heldBy: null,
      watches: [
        {
          ...{ triggerId: 't', workflow: 'w', name: 'file', path: here.root, patterns: ['**'], ignore: [] },
          ...{ events: ['create' as const], settleMs: 100, debounceMs: 50, mode: 'perFile' as const },
          ...{ onStart: null, maxEntries: 100, ownChanges: 'ignore' as const },
        },
      ],
    });
    watch.source = {
      claim,
      fire: async (_id, { events }) => {
        calls.push(JSON.stringify(events));
        if (!fail) return { results: events.map(() => ran) };
        fail = false;
        throw new TypeError('the connection broke');
      },
    };
    const second = await begin(here, watch);
    await vi.waitFor(() => expect(calls.length).toBeGreaterThanOrEqual(2), patient);
    await vi.waitFor(() => expect(second.status()?.unsent).toBe(0), patient);
    expect(new Set(calls).size).toBe(1);
  });
});

test('while the server takes nothing only so many events are kept, and the rest is found again when it does', async () => {
  const here = place();
  const told: string[] = [];
  let isAway = true;
  const { status, watches } = await begin(here, {
    maxUnsent: 10,
    onFire: async (events) => {
      if (isAway) throw new UnavailableError('KERUTA_ERR_QUEUE_FULL', 'full');
      told.push(...events.flatMap(({ changes }) => changes.map(({ path }) => path)));
    },
  });
  for (let n = 0; n < 35; n++) writeFileSync(join(here.root, `${n}`), 'x');
  await vi.waitFor(() => expect(status()).toMatchObject({ unsent: 10, files: 35 }), patient);
  expect(status()?.note).toBe('full');
  isAway = false;
  await vi.waitFor(() => expect(told).toHaveLength(35), patient);
  expect(new Set(told).size).toBe(35);
  await vi.waitFor(
    () => expect(watches.status()).toMatchObject([{ unsent: 0, events: 35, note: null }]),
    patient,
  );
});

describe('what changes while a task of the trigger runs', () => {
  const task = { id: 'own', workflow: 'w', trigger: 'file' };

  test('F7: is its own work, and on record; what changes before and after is not', async () => {
    const here = place();
    const times = new TaskTimes(systemClock);
    const { words, own, until } = await begin(here, { times });
    writeFileSync(join(here.root, 'before'), 'x');
    await vi.waitFor(() => expect(words()).toEqual(['create before']), patient);
    times.now(task);
    writeFileSync(join(here.root, 'output'), 'x');
    appendFileSync(join(here.root, 'before'), 'y');
    times.now(null);
    // in one look they come by name, in two as they happened
    await vi.waitFor(() => expect(own().toSorted()).toEqual(['create output', 'modify before']), patient);
    await until('after');
    expect(words()).toEqual(['create before', 'create after']);
  });

  test('F7: is its own work also when it ran between two looks, or before the directory was watched', async () => {
    const here = place();
    await (await begin(here)).stop();
    const times = new TaskTimes(systemClock);
    times.now(null);
    times.now(task);
    writeFileSync(join(here.root, 'output'), 'x');
    times.now(null);
    const { own, words } = await begin(here, { times });
    await vi.waitFor(() => expect(own()).toEqual(['create output']), patient);
    expect(words()).toEqual([]);
  });

  test('F7: is its own work also when it ran on while the agent was killed', async () => {
    const here = place();
    const times = new TaskTimes(systemClock);
    const first = await begin(here, { times });
    times.now(task);
    await first.stop();
    writeFileSync(join(here.root, 'output'), 'x');
    const next = new TaskTimes(systemClock);
    const { own, words } = await begin(here, { times: next });
    next.now(task);
    next.now(null);
    await vi.waitFor(() => expect(own()).toEqual(['create output']), patient);
    expect(words()).toEqual([]);
  });

  test.each([
    ['a task of another trigger', { ...task, trigger: 'other' }, {}],
    ['a task of it, with `ownChanges: run`', task, { ownChanges: 'run' as const }],
  ])('is an event for %s', async (_what, running, watch) => {
    const here = place();
    const times = new TaskTimes(systemClock);
    const { words } = await begin(here, { times, watch });
    times.now(running);
    writeFileSync(join(here.root, 'a'), 'x');
    await vi.waitFor(() => expect(words()).toEqual(['create a']), patient);
  });
});

describe('with too few watches', () => {
  test('it is looked at from time to time, with the reason and the remedy in the status, and watched when there are more', async () => {
    const here = place();
    let most = 1;
    const limits = { ...systemLimits, most: () => most, again: 0, againAfterMs: 500 };
    const { words, status } = await begin(here, { limits });
    expect(status()?.state).toBe('polling');
    expect(status()?.note).toMatch(/of 1 watches; raise it: sysctl fs\.inotify\.max_user_watches=\d+$/);
    writeFileSync(join(here.root, 'a'), 'x');
    await vi.waitFor(() => expect(words()).toEqual(['create a']), patient);
    most = 1_000_000;
    await vi.waitFor(() => expect(status()).toMatchObject({ state: 'watching', note: null }), patient);
    writeFileSync(join(here.root, 'b'), 'x');
    await vi.waitFor(() => expect(words()).toEqual(['create a', 'create b']), patient);
  });

  test('an agent that is stopped before all is watched ends at once', async () => {
    const here = place();
    for (let n = 0; n < 2000; n++) writeFileSync(join(here.root, `${n}`), 'x');
    const { stop } = await begin(here, { state: /starting/ });
    await stop();
    expect(existsSync(here.root)).toBe(true);
  });
});

test('F6: a directory on a network file system is looked at from time to time, and the status says why', async () => {
  const here = place();
  const nfs = 0x6969;
  const limits = { ...systemLimits, fileSystem: async () => nfs };
  const { words, status } = await begin(here, { limits, state: /polling/ });
  expect(status()?.note).toBe('it is on a network file system, which does not tell of all changes');
  writeFileSync(join(here.root, 'a'), 'x');
  await vi.waitFor(() => expect(words()).toEqual(['create a']), patient);
});

test('a directory with more than maxEntries is not watched, and the status says what to do', async () => {
  const here = place();
  for (let n = 0; n < 5; n++) writeFileSync(join(here.root, `${n}`), 'x');
  const { status } = await begin(here, { state: /failed/, watch: { maxEntries: 4 } });
  expect(status()?.note).toMatch(/more than 4 files and directories; name a smaller directory/);
});

test('an agent watches nothing while another one of the session does', async () => {
  const here = place();
  const claim = vi.fn(async () => ({ watches: [], heldBy: 'other' }));
  const watches = begin(here, { source: { claim, fire: vi.fn() } });
  void watches.catch(() => {});
  await vi.waitFor(() => expect(claim).toHaveBeenCalled(), patient);
  expect(existsSync(join(here.directory, 'state'))).toBe(false);
});
