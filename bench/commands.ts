/** How fast the task commands are, inside a run and outside. */
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { frontScript } from '../cmd/keruta/task-commands/front.ts';
import { type Bench, executable, median, ms, type Row, time } from './harness.ts';

const rounds = 7;

/** Time of one command in a shell loop; median over the rounds, ms. */
async function perCall(command: string, times: number, env: Record<string, string>): Promise<number> {
  const loop = `i=0; while [ $i -lt ${times} ]; do ${command} >/dev/null || exit 1; i=$((i+1)); done`;
  const measured: number[] = [];
  for (let round = 0; round < rounds; round++)
    measured.push((await time('/bin/sh', ['-c', loop], env)) / times);
  return median(measured);
}

/** The rows of the commands. */
export async function benchCommands(bench: Bench): Promise<Row[]> {
  await bench.stopAgent();
  const taskId = await bench.submit('true');
  const env = bench.env({ KERUTA_TASK_ID: taskId });

  const bin = join(bench.directory, 'bin');
  const run = join(bench.directory, 'runs', `${taskId}.1`);
  mkdirSync(bin, { recursive: true });
  mkdirSync(run, { recursive: true });
  writeFileSync(join(bin, 'keruta'), frontScript([executable]));
  chmodSync(join(bin, 'keruta'), 0o755);
  const inRun = await perCall(`${bin}/keruta progress 50`, 300, { ...env, KERUTA_RUN_DIR: run });
  if (statSync(join(run, 'mailbox')).size !== rounds * 300 * '\n@12 progress_50_\n'.length)
    throw new Error('mailbox is short');

  const url = `${bench.url}/api/v1/tasks/${taskId}/status`;
  const body = '{"status":"PROCESSING","progress":50}';
  const curl = await perCall(
    `curl -sf -X PUT -H 'authorization: Bearer ${bench.token}' -H 'content-type: application/json' -d '${body}' ${url}`,
    50,
    env,
  );
  const bare = await perCall(
    `${process.execPath} ${resolve(import.meta.dirname, 'bare-request.cjs')}`,
    20,
    env,
  );
  const outside = await perCall(`${executable} progress 50`, 20, env);
  await bench.post(`/tasks/${taskId}/cancel`, {});
  return [
    {
      what: 'in-run `keruta progress 50`',
      measured: `${ms(inRun)}, ${(inRun / curl).toFixed(2)} × curl (${ms(curl)})`,
      allowed: '1.5 ms and 0.3 ×',
      met: inRun <= 1.5 && inRun / curl <= 0.3,
    },
    {
      what: '`keruta progress 50` outside a run',
      measured: `${ms(outside)}, ${(outside / bare).toFixed(2)} × bare Node (${ms(bare)})`,
      allowed: '1.5 ×',
      met: outside / bare <= 1.5,
    },
  ];
}
