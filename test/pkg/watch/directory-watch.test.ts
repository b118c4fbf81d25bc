import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { chokidarWatch } from '../../../pkg/watch/chokidar-watch.ts';
import type { DirectoryWatch, DirectoryWatchOptions } from '../../../pkg/watch/directory-watch.ts';
import { InotifyWatch } from '../../../pkg/watch/inotify-watch.ts';

const patient = { timeout: 60_000, interval: 20 };
vi.setConfig({ testTimeout: 90_000 });

function place() {
  const directory = mkdtempSync(join(tmpdir(), 'directory-watch-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const root = join(directory, 'in');
  mkdirSync(root);
  const at = (...names: string[]) => join(root, ...names);
  return { directory, root, at };
}

type Watching = (options: DirectoryWatchOptions) => DirectoryWatch;
const inotify: Watching = (options) => new InotifyWatch(options);

async function begin(root: string, watching: Watching, more: Partial<DirectoryWatchOptions> = {}) {
  const hints = new Set<string>();
  const errors: Error[] = [];
  const watch = watching({
    root,
    ignored: () => false,
    onHint: (path) => hints.add(path),
    onError: (error) => errors.push(error),
    ...more,
  });
  onTestFinished(() => watch.close());
  await watch.ready;
  /** Whether something told of a path, or of a directory that it is in. */
  const isTold = (path: string) => [...hints].some((hint) => path === hint || path.startsWith(`${hint}/`));
  return {
    ...{ watch, hints, errors, isTold },
    told: (path: string) =>
      vi.waitFor(() => expect({ path, isTold: isTold(path) }).toEqual({ path, isTold: true }), patient),
  };
}

const watchings: [string, Watching][] = [
  ['one watch for each directory', inotify],
  ['chokidar', chokidarWatch],
];

describe.each(watchings)('by %s, a hint comes', (_, watching) => {
  test('for what is made, changed, renamed and removed, in the root and below', async () => {
    const { root, at } = place();
    mkdirSync(at('d'));
    for (const name of ['changed', 'removed', 'd/changed', 'old']) writeFileSync(at(name), 'x');
    const { told } = await begin(root, watching);
    appendFileSync(at('changed'), 'y');
    appendFileSync(at('d/changed'), 'y');
    rmSync(at('removed'));
    renameSync(at('old'), at('d/new'));
    writeFileSync(at('made'), 'x');
    for (const name of ['changed', 'd/changed', 'removed', 'old', 'd/new', 'made']) await told(at(name));
  });

  test('for what comes with new directories, and in them later', async () => {
    const { root, at, directory } = place();
    const { told, hints } = await begin(root, watching);
    mkdirSync(at('a/b/c'), { recursive: true });
    writeFileSync(at('a/b/c/first'), 'x');
    mkdirSync(join(directory, 'tree/deep'), { recursive: true });
    writeFileSync(join(directory, 'tree/deep/x'), 'x');
    renameSync(join(directory, 'tree'), at('tree'));
    await told(at('a/b/c/first'));
    await told(at('tree/deep/x'));
    // whoever heard of a directory may look only once: what follows is told by itself, as soon as all is watched
    for (const path of [at('a/b/c/later'), at('tree/deep/x')])
      await vi.waitFor(() => {
        appendFileSync(path, 'y');
        expect(hints).toContain(path);
      }, patient);
  });

  test('not for what is ignored, nor by way of a link', async () => {
    const { root, at, directory } = place();
    mkdirSync(join(directory, 'out'));
    mkdirSync(at('ignored'));
    symlinkSync(join(directory, 'out'), at('link'));
    const ignored = (path: string) => basename(path) === 'ignored';
    const { told, hints } = await begin(root, watching, { ignored });
    writeFileSync(at('ignored/x'), 'x');
    writeFileSync(join(directory, 'out/y'), 'y');
    writeFileSync(at('z'), 'z');
    await told(at('z'));
    expect([...hints].filter((path) => /(ignored|link)\//.test(path))).toEqual([]);
  });
});

/** Watches of this process, of the system. */
function watches(): number {
  let count = 0;
  for (const name of readdirSync('/proc/self/fdinfo')) {
    try {
      const text = readFileSync(`/proc/self/fdinfo/${name}`, 'utf8');
      count += text.split('\n').filter((line) => line.startsWith('inotify ')).length;
    } catch {
      // it was closed meanwhile
    }
  }
  return count;
}

describe('one watch for each directory', () => {
  test('is what is taken of the system, and given back', async () => {
    const { root, at } = place();
    for (const name of ['a', 'b']) mkdirSync(at(name));
    for (let n = 0; n < 500; n++) writeFileSync(at('a', `${n}`), 'x');
    const before = watches();
    const { watch, told } = await begin(root, inotify);
    expect(watches() - before).toBe(3);
    rmSync(at('a'), { recursive: true });
    await told(at('a'));
    await vi.waitFor(() => expect(watches() - before).toBe(2), patient);
    await watch.close();
    expect(watches() - before).toBe(0);
  });

  test('is kept for a directory that is moved, and renewed for one that is removed and made again', async () => {
    const { root, at } = place();
    mkdirSync(at('old/below'), { recursive: true });
    const { hints } = await begin(root, inotify);
    renameSync(at('old'), at('new'));
    for (let round = 0; round < 20; round++) {
      rmSync(at('again'), { recursive: true, force: true });
      mkdirSync(at('again'));
    }
    for (const name of ['new/below/x', 'again/x'])
      await vi.waitFor(() => {
        appendFileSync(at(name), 'y');
        expect(hints).toContain(at(name));
      }, patient);
  });

  test('tells of the root when that goes away, and of a file that has the name of its directory', async () => {
    const { root, at } = place();
    mkdirSync(at('same'));
    const { told, hints } = await begin(root, inotify);
    writeFileSync(at('same/same'), 'x');
    await told(at('same/same'));
    writeFileSync(at('same/other'), 'x');
    await told(at('same/other'));
    hints.clear();
    rmSync(root, { recursive: true });
    await vi.waitFor(() => expect(hints).toContain(root), patient);
  });

  test('is made for a directory that came without being told of, when somebody checks', async () => {
    const { root, at } = place();
    mkdirSync(at('closed/below'), { recursive: true });
    let isIgnored = true;
    const ignored = (path: string) => isIgnored && basename(path) === 'closed';
    const { watch, hints } = await begin(root, inotify, { ignored });
    isIgnored = false;
    await watch.check();
    writeFileSync(at('closed/below/x'), 'x');
    await vi.waitFor(() => expect(hints).toContain(at('closed/below/x')), patient);
  });

  test('that cannot be made for want of rights leaves the others as they are', async () => {
    const { root, at } = place();
    for (const name of ['shut', 'open']) mkdirSync(at(name));
    chmodSync(at('shut'), 0o000);
    onTestFinished(() => chmodSync(at('shut'), 0o700));
    const { told, errors } = await begin(root, inotify);
    writeFileSync(at('open/x'), 'x');
    await told(at('open/x'));
    expect(errors).toEqual([]);
  });

  test('of many directories that come at once tells of each', async () => {
    const { root, at } = place();
    const { watch, isTold, told } = await begin(root, inotify);
    for (let n = 0; n < 200; n++) {
      mkdirSync(at(`d${n}`));
      for (let m = 0; m < 10; m++) writeFileSync(at(`d${n}`, `${m}`), 'x');
    }
    await told(at('d199'));
    await watch.check();
    for (let n = 0; n < 200; n++) await told(at(`d${n}`));
    expect(isTold(at('d0', '9'))).toBe(true);
  });
});
