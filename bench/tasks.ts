/** How fast tasks start, end and speak. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Bench,
  cpuMs,
  median,
  ms,
  pause,
  quantile,
  type Row,
  statusMegabytes,
  time,
  until,
} from './harness.ts';

/** Submit → first instruction, with an idle agent. */
export async function benchLatency(bench: Bench, samples = 100): Promise<Row> {
  const file = join(bench.directory, 'instant');
  const delays: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    const before = performance.timeOrigin + performance.now();
    const id = await bench.submit(`printf %s "$EPOCHREALTIME" > ${file}`);
    await bench.waitEnd(id);
    delays.push(Number(readFileSync(file, 'utf8').replace(',', '.')) * 1000 - before);
  }
  const [p50, p99] = [quantile(delays, 0.5), quantile(delays, 0.99)];
  return {
    what: 'submit → first instruction, agent idle',
    measured: `p50 ${ms(p50)}, p99 ${ms(p99)}`,
    allowed: '15 ms p50, 60 ms p99',
    met: p50 <= 15 && p99 <= 60,
  };
}

/** Empty scripts in a row, everything durable, against task-spooler. */
export async function benchEmpty(bench: Bench, count = 1000): Promise<Row> {
  await bench.stopAgent();
  let last = '';
  for (let index = 0; index < count; index++) last = await bench.submit(':');
  bench.startAgent();
  const first = performance.now();
  await bench.waitEnd(last);
  const each = (performance.now() - first) / count;
  const spooler = await benchSpooler(count);
  return {
    what: `empty script, ${count} in a row`,
    measured: `${ms(each)} each${spooler === null ? '' : `, ${(each / spooler).toFixed(1)} × tsp (${ms(spooler)})`}`,
    allowed: '12 ms each (aim 6)',
    met: each <= 12,
  };
}

async function benchSpooler(count: number): Promise<number | null> {
  if (spawnSync('tsp', ['-V']).error) return null;
  const directory = mkdtempSync(join(tmpdir(), 'tsp-'));
  const env = {
    PATH: process.env.PATH ?? '',
    TMPDIR: directory,
    TS_SOCKET: join(directory, 'socket'),
    TS_MAXFINISHED: '10000',
  };
  const loop = `i=0; while [ $i -lt ${count} ]; do tsp true >/dev/null; i=$((i+1)); done; tsp -w; tsp -K`;
  const taken = await time('/bin/sh', ['-c', loop], env);
  rmSync(directory, { recursive: true, force: true });
  return taken / count;
}

/** One gigabyte of stdout to the server, byte exact. */
export async function benchVolume(bench: Bench, megabytes = 1000): Promise<Row> {
  const source = join(bench.directory, 'source');
  const line = (n: number) =>
    `${String(n).padStart(12, '0')} the quick brown fox jumps over the lazy dog 0123456789\n`;
  const out = createWriteStream(source);
  let written = 0;
  for (let n = 0; written < megabytes * 1e6; ) {
    let block = '';
    while (block.length < 1e6) block += line(n++);
    written += block.length;
    if (!out.write(block)) await new Promise<void>((done) => out.once('drain', () => done()));
  }
  await new Promise<void>((done) => out.end(() => done()));
  const plain = await time('/bin/sh', ['-c', `cat ${source} > ${source}.copy`], {
    PATH: process.env.PATH ?? '',
  });
  const started = performance.now();
  const id = await bench.submit(`cat ${source}`);
  await bench.waitEnd(id);
  const taken = performance.now() - started;
  const peaks = [bench.agent?.pid, bench.server?.pid].map((pid) => statusMegabytes(pid ?? 0, 'VmHWM'));
  const answer = await fetch(`${bench.url}/api/v1/tasks/${id}/logs?format=text&stream=stdout`, {
    headers: { authorization: `Bearer ${bench.token}` },
  });
  const [wanted, got] = [createHash('sha256'), createHash('sha256')];
  for await (const chunk of createReadStream(source)) wanted.update(chunk as Buffer);
  for await (const chunk of answer.body ?? []) got.update(chunk);
  const exact = wanted.digest('hex') === got.digest('hex');
  const speed = written / 1e6 / (taken / 1000);
  const [agent = 0, server = 0] = peaks;
  return {
    what: `${megabytes} MB of stdout to the server`,
    measured: `${speed.toFixed(0)} MB/s, ${(taken / plain).toFixed(1)} × cat; ${exact ? 'byte exact' : 'NOT EXACT'}; agent ${agent.toFixed(0)} MB, server ${server.toFixed(0)} MB`,
    allowed: '≥ 100 MB/s, agent ≤ 200 MB, server ≤ 300 MB',
    met: exact && speed >= 100 && agent <= 200 && server <= 300,
  };
}

/** First output line at a reader of events. */
export async function benchFirstLine(bench: Bench, samples = 20): Promise<Row> {
  const delays: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    const stop = new AbortController();
    const events = await fetch(`${bench.url}/api/v1/sessions/${bench.sessionId}/events`, {
      headers: { authorization: `Bearer ${bench.token}` },
      signal: stop.signal,
    });
    const reader = (events.body as ReadableStream<Uint8Array>).getReader();
    const id = await bench.submit('sleep 0.3; echo "at=$EPOCHREALTIME;"; sleep 0.2');
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Error('the event stream ended');
      text += Buffer.from(value).toString('utf8');
      const written = /at=([\d.]+);/.exec(text)?.[1];
      if (written === undefined) continue;
      delays.push(performance.timeOrigin + performance.now() - Number(written) * 1000);
      break;
    }
    stop.abort();
    await bench.waitEnd(id);
  }
  const worst = Math.max(...delays);
  return {
    what: 'first output line at an SSE reader',
    measured: `median ${ms(median(delays))}, worst ${ms(worst)}`,
    allowed: '250 ms',
    met: worst <= 250,
  };
}

/** What an idle agent costs, and how long its start takes. */
export async function benchIdle(bench: Bench): Promise<Row> {
  const starts: number[] = [];
  const file = join(bench.directory, 'started');
  for (let round = 0; round < 5; round++) {
    await bench.stopAgent();
    const id = await bench.submit(`printf %s "$EPOCHREALTIME" > ${file}`);
    const before = Date.now();
    bench.startAgent();
    await bench.waitEnd(id);
    starts.push(Number(readFileSync(file, 'utf8')) * 1000 - before);
  }
  const pid = bench.agent?.pid ?? 0;
  await pause(3000);
  const before = cpuMs(pid);
  await pause(20_000);
  const cpu = (cpuMs(pid) - before) / 200;
  const memory = statusMegabytes(pid, 'VmRSS');
  const start = median(starts);
  return {
    what: 'idle agent; start → first instruction of a waiting task',
    measured: `${memory.toFixed(0)} MB, ${cpu.toFixed(2)} % CPU; ${ms(start)}`,
    allowed: '80 MB, 0.5 % CPU; 300 ms',
    met: memory <= 80 && cpu <= 0.5 && start <= 300,
  };
}

/** Waits until the agent has been seen. */
export async function agentReady(bench: Bench): Promise<void> {
  await until(async () => ((await bench.call('GET', '/agents')) as unknown[]).length > 0);
}
