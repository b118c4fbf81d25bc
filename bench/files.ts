/** How long it takes from a file that came to rest to the task that it fires. */
import { type FSWatcher, mkdirSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, median, ms, quantile, type Row, until } from './harness.ts';

const settleMs = 500;
/** What the product promises beyond the settle time. */
const allowedMs = 50;
const files = 40;
const others = 2_000;

interface TaskRow {
  readonly createdAt: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/**
 * Writes files one by one into a directory with many others. Beside it, in the same run, the least that anybody can do: to be
 * told by the system, wait as long, and ask the server for a task.
 */
export async function benchFiles(bench: Bench): Promise<Row[]> {
  const name = `files-${process.pid}`;
  const root = join(bench.directory, 'in');
  mkdirSync(root);
  for (let n = 0; n < others; n++) writeFileSync(join(root, `other-${n}`), 'x');
  const trigger = { type: 'file', path: root, settle: `${settleMs}ms`, debounce: '50ms', ownChanges: 'run' };
  const run = { script: 'true' };
  await bench.post('/workflows', { name, session: 'bench', run, triggers: [trigger] });
  try {
    const rows = () => bench.call('GET', `/sessions/${bench.sessionId}/tasks`) as Promise<readonly TaskRow[]>;
    const made = async () => (await rows()).filter(({ parameters }) => parameters.file_path !== undefined);
    // a file that is there before the directory is watched does not count
    for (let n = 0; n < 20 && (await made()).length === 0; n++) {
      writeFileSync(join(root, 'first'), `${n}`);
      await new Promise((done) => setTimeout(done, 2_000));
    }
    const writtenAt = new Map<string, number>();
    for (let n = 0; n < files; n++) {
      const path = join(root, `file-${n}`);
      writtenAt.set(path, Date.now());
      writeFileSync(path, 'x');
      await until(async () => (await made()).some(({ parameters }) => parameters.file_path === path));
    }
    const ours = (await made()).flatMap(({ createdAt, parameters }) => {
      const at = writtenAt.get(String(parameters.file_path));
      return at === undefined ? [] : [Date.parse(createdAt) - at - settleMs];
    });
    const least = await baseline(bench);
    return [
      {
        what: `file at rest → task created, among ${others} others (settle ${settleMs} ms taken off)`,
        measured: `p50 ${ms(median(ours))}, p90 ${ms(quantile(ours, 0.9))}; ${(median(ours) / median(least)).toFixed(1)} times the baseline`,
        allowed: `p50 <= ${allowedMs} ms`,
        met: median(ours) <= allowedMs,
      },
      {
        what: 'the same by fs.watch, a timer and a POST',
        measured: `p50 ${ms(median(least))}, p90 ${ms(quantile(least, 0.9))}`,
        allowed: 'told',
        met: null,
      },
    ];
  } finally {
    await bench.call('DELETE', `/workflows/${name}`).catch(() => {});
  }
}

async function baseline(bench: Bench): Promise<readonly number[]> {
  const root = join(bench.directory, 'plain');
  mkdirSync(root);
  const taken: number[] = [];
  for (let n = 0; n < files; n++) {
    let watcher: FSWatcher | null = null;
    const writtenAt = Date.now();
    const task = await new Promise<{ createdAt: string }>((done, fail) => {
      watcher = watch(root, () => {
        watcher?.close();
        setTimeout(() => {
          bench
            .post('/tasks', { sessionId: bench.sessionId, name: 'plain', script: 'true' })
            .then((answer) => done(answer as { createdAt: string }), fail);
        }, settleMs);
      });
      writeFileSync(join(root, `file-${n}`), 'x');
    });
    taken.push(Date.parse(task.createdAt) - writtenAt - settleMs);
  }
  return taken;
}
