/** What masking costs: the same output with two hundred secrets known, and with hardly any. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { type Bench, cpuMs, median, type Row } from './harness.ts';

const count = 200;

/** Looks like the log of a service: words, numbers, ids, now and then base64. The same in every run. */
function linesFrom(first: number): string {
  return Array.from({ length: 10_000 }, (_, at) => {
    const n = first + at;
    const id = createHash('sha256')
      .update(String(n % 5000))
      .digest(n % 3 === 0 ? 'base64' : 'hex');
    return `2026-01-01T00:00:${String(n % 60).padStart(2, '0')}Z INFO [worker-${n % 8}] GET /api/v1/items/${n * 7919} 200 ${n % 97} ms id=${id}\n`;
  }).join('');
}

/** Two hundred values as credentials look, in the variables of the agent. */
function variables(): Record<string, string> {
  const value = (at: number) => {
    const body = createHash('sha256')
      .update(`secret ${at}`)
      .digest('base64url')
      .slice(0, 20 + (at % 20));
    return (
      [`ghp_${body}`, `sk-${body}`, `p@ss ${body}!`, `-----BEGIN\n${body}\n-----END`, body][at % 5] ?? body
    );
  };
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`BENCH_SECRET_${at}`, value(at)]));
}

/**
 * Throughput with 200 secrets against none but the agent's own token, in turns: from the script to the end of what the server
 * stored. Each round begins with a task that is not measured, so that agent and caches are there.
 */
export async function benchRedact(bench: Bench, megabytes = 300, rounds = 5): Promise<Row> {
  const secrets = variables();
  const source = join(bench.directory, 'log');
  const bytes = await writeLog(
    source,
    megabytes * 1e6,
    `the last is ${secrets[`BENCH_SECRET_${count - 1}`]}\n`,
  );
  const speeds = { none: [] as number[], many: [] as number[] };
  const work = { none: [] as number[], many: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const [name, env] of [
      ['none', {}],
      ['many', secrets],
    ] as const) {
      await bench.stopAgent();
      bench.startAgent(env);
      await bench.waitEnd(await bench.submit(`head -c 10000000 ${source}`));
      const agent = bench.agent?.pid ?? 0;
      const [started, before] = [performance.now(), cpuMs(agent)];
      const id = await bench.submit(`cat ${source}`);
      await bench.waitEnd(id);
      speeds[name].push(bytes / 1000 / (performance.now() - started));
      work[name].push((cpuMs(agent) - before) / (bytes / 1e6));
      const isMasked = (await lastLine(bench, id)).includes('the last is ***');
      if (isMasked !== (name === 'many')) throw new Error(`with ${name} secrets the last line is wrong`);
    }
  }
  // the best of each: what else the machine does only makes a round slower
  const [none, many] = [Math.max(...speeds.none), Math.max(...speeds.many)];
  const cost = 1 - many / none;
  return {
    what: `${megabytes} MB of output with ${count} secrets, against none`,
    measured: `${many.toFixed(0)} against ${none.toFixed(0)} MB/s: ${(cost * 100).toFixed(0)} % slower; ${median(work.many).toFixed(1)} against ${median(work.none).toFixed(1)} ms of the agent's CPU per MB`,
    allowed: '≤ 30 % slower',
    met: cost <= 0.3,
  };
}

/** @returns how many bytes were written */
async function writeLog(path: string, leastBytes: number, end: string): Promise<number> {
  const out = createWriteStream(path);
  let written = 0;
  for (let line = 0; written < leastBytes; line += 10_000) {
    const block = linesFrom(line);
    written += block.length;
    if (!out.write(block)) await once(out, 'drain');
  }
  out.end(end);
  await once(out, 'finish');
  return written + end.length;
}

/** The end of a task's output, as the server has it. */
async function lastLine(bench: Bench, id: string): Promise<string> {
  const answer = await fetch(`${bench.url}/api/v1/tasks/${id}/logs?format=text&stream=stdout`, {
    headers: { authorization: `Bearer ${bench.token}` },
  });
  let end = '';
  for await (const chunk of answer.body ?? [])
    end = (end + Buffer.from(chunk).toString('latin1')).slice(-500);
  return end;
}
