import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { FileChange, WatchWire } from '../../../../internal/api/watch-shapes.ts';
import { Watches, type WatchesParts } from '../../../../internal/worker/watch/watches.ts';
import { systemClock } from '../../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../../pkg/log/log.ts';

const patient = { timeout: 20_000, interval: 20 };

function place() {
  const directory = mkdtempSync(join(tmpdir(), 'watch-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const root = join(directory, 'in');
  mkdirSync(root);
  return { directory, root };
}

async function begin({ directory, root }: ReturnType<typeof place>, more: Partial<WatchesParts> = {}) {
  const told: FileChange[] = [];
  const watch: WatchWire = {
    ...{ triggerId: 't', workflow: 'w', name: 'file', path: root, patterns: ['**'], ignore: [] },
    ...{ events: ['create', 'modify', 'delete', 'rename'], settleMs: 200, debounceMs: 50 },
    ...{ mode: 'perFile', onStart: null, maxEntries: 50_000 },
  };
  const watches = new Watches({
    clock: systemClock,
    log: silentLog,
    directory: join(directory, 'state'),
    home: directory,
    runningTask: () => null,
    source: {
      list: async () => [watch],
      fire: async (_id, { changes }) => {
        told.push(...changes);
        return { decision: 'run', reason: 'event', taskId: `task-${told.length}` };
      },
    },
    ...more,
  });
  const over = new AbortController();
  const done = watches.run(over.signal);
  const stop = async () => {
    over.abort();
    await done;
  };
  onTestFinished(stop);
  await vi.waitFor(() => expect(watches.status()[0]?.state).toMatch(/watching|polling/), patient);
  return {
    told,
    stop,
    watches,
    words: () => told.map(({ kind, path }) => `${kind} ${path.slice(root.length + 1)}`),
  };
}

test('F-87: an atomic save is one event, and a link out of the directory none', async () => {
  const here = place();
  writeFileSync(join(here.root, 'a'), 'one');
  symlinkSync('/', join(here.root, 'out'));
  const { words } = await begin(here);
  writeFileSync(join(here.root, '.a.tmp'), 'two');
  renameSync(join(here.root, '.a.tmp'), join(here.root, 'a'));
  await vi.waitFor(() => expect(words()).toEqual(['modify a']), patient);
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
}, 30_000);

test('a tree that is moved in is told whole', async () => {
  const here = place();
  const { words } = await begin(here);
  mkdirSync(join(here.directory, 'tree'));
  for (let n = 0; n < 100; n++) writeFileSync(join(here.directory, 'tree', `${n}`), 'x');
  renameSync(join(here.directory, 'tree'), join(here.root, 'tree'));
  await vi.waitFor(() => expect(words()).toHaveLength(100), patient);
});

test('what changed while the agent was away is found at its start, and nothing else', async () => {
  const here = place();
  writeFileSync(join(here.root, 'old'), 'x');
  const first = await begin(here);
  await first.stop();
  expect(first.told).toEqual([]);
  appendFileSync(join(here.root, 'old'), 'y');
  const second = await begin(here);
  await vi.waitFor(() => expect(second.words()).toEqual(['modify old']), patient);
});

test('with too few watches it looks from time to time, and says so', async () => {
  const here = place();
  const { words, watches } = await begin(here, { maxWatches: () => 1 });
  expect(watches.status()).toMatchObject([{ state: 'polling' }]);
  writeFileSync(join(here.root, 'a'), 'x');
  await vi.waitFor(() => expect(words()).toEqual(['create a']), patient);
});
