/** How soon a server that finds nothing there answers: its store is made meanwhile. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Bench,
  executable,
  freePort,
  median,
  ms,
  quantile,
  type Row,
  stop,
  time,
  until,
} from './harness.ts';

const rounds = 7;

/** Starts servers one after another, each in a directory of its own; beside them the executable that does nothing. */
export async function benchStart(bench: Bench): Promise<Row[]> {
  const starts: number[] = [];
  const bare: number[] = [];
  for (let n = 0; n < rounds; n++) {
    const directory = mkdtempSync(join(tmpdir(), 'bench-start-'));
    const port = await freePort();
    const began = performance.now();
    const server = bench.spawn(['server', '--port', String(port), '--data-dir', directory]);
    await until(async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok);
    starts.push(performance.now() - began);
    await stop(server);
    rmSync(directory, { recursive: true, force: true });
    bare.push(await time(executable, ['version'], bench.env()));
  }
  const start = median(starts);
  return [
    {
      what: 'server on an empty directory, until it answers',
      measured: `p50 ${ms(start)}, worst ${ms(quantile(starts, 1))}`,
      allowed: '< 300 ms',
      met: start < 300,
    },
    { what: '`keruta version`', measured: ms(median(bare)), allowed: 'told', met: null },
  ];
}
