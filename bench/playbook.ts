/** What a playbook costs beside its commands. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Bench, executable, median, ms, type Row } from './harness.ts';

const [steps, rounds] = [50, 5];
const allowedMs = steps * 8 + 100;

/** Fifty steps that do nothing, without the start of keruta itself. */
export async function benchPlaybook(bench: Bench): Promise<Row> {
  await bench.stopAgent();
  const file = join(bench.directory, 'empty.yaml');
  const list = Array.from({ length: steps }, (_, n) => `  - { name: step ${n}, command: ':' }\n`);
  writeFileSync(file, `steps:\n${list.join('')}`);
  const measured: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { stdout } = await promisify(execFile)(executable, ['playbook', 'run', file, '--json'], {
      env: bench.env(),
      cwd: bench.directory,
    });
    const end = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { status: string; durationMs: number };
    if (end.status !== 'success') throw new Error(`the playbook ended with ${end.status}`);
    measured.push(end.durationMs);
  }
  const took = median(measured);
  return {
    what: `playbook of ${steps} empty steps`,
    measured: `${ms(took)}, ${ms(took / steps)} a step; shells that Node starts by itself take ${ms(await bareSpawns())}`,
    allowed: `${allowedMs} ms`,
    met: took <= allowedMs,
  };
}

/** As many shells, one after another, that nobody looks after. */
async function bareSpawns(): Promise<number> {
  const begin = performance.now();
  for (let n = 0; n < steps; n++) {
    const child = spawn('bash', ['-e', '-c', ':'], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    for (const stream of [child.stdout, child.stderr]) stream.resume();
    await once(child, 'close');
  }
  return performance.now() - begin;
}
