/** What masking costs: the same output with two hundred secrets known, and with hardly any. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Row } from './harness.ts';
import { agentReady } from './tasks.ts';

/** Looks like the log of a service: words, numbers, ids, now and then base64. The same in every run. */
function linesFrom(count: number): string {
  return Array.from({ length: 10_000 }, (_, at) => {
    const n = count + at;
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
  return Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`BENCH_SECRET_${at}`, value(at)]));
}

/** Throughput with 200 secrets against none, in turns. */
export async function benchRedact(bench: Bench, megabytes = 300, rounds = 3): Promise<Row> {
  const source = join(bench.directory, 'log');
  const out = createWriteStream(source);
  let written = 0;
  for (let count = 0; written < megabytes * 1e6; count += 10_000) {
    const block = linesFrom(count);
    written += block.length;
    if (!out.write(block)) await new Promise<void>((done) => out.once('drain', () => done()));
  }
  await new Promise<void>((done) => out.end(() => done()));

  const speeds = { none: [] as number[], many: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const [name, env] of [
      ['none', {}],
      ['many', variables()],
    ] as const) {
      await bench.stopAgent();
      bench.startAgent(env);
      await agentReady(bench);
      const started = performance.now();
      await bench.waitEnd(await bench.submit(`cat ${source}`));
      speeds[name].push(written / 1000 / (performance.now() - started));
    }
  }
  // the best of each: what else the machine does only makes a round slower
  const [none, many] = [Math.max(...speeds.none), Math.max(...speeds.many)];
  const cost = 1 - many / none;
  return {
    what: `${megabytes} MB of output with 200 secrets, against none`,
    measured: `${many.toFixed(0)} against ${none.toFixed(0)} MB/s: ${(cost * 100).toFixed(0)} % slower`,
    allowed: '≤ 30 % slower',
    met: cost <= 0.3,
  };
}
