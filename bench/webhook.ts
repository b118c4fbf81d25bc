/** How many signed deliveries are taken durably in a second, beside Debian's `webhook`. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { Bench, cpuMs, freePort, ms, quantile, type Row, stop, until } from './harness.ts';

const secret = 'a-secret-of-more-than-thirty-two-bytes';
/** Senders at a time. */
const connections = 64;

/** Deliveries per second, and how long one took. */
interface Taken {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly statuses: Readonly<Record<number, number>>;
  /** of the server, per delivery; null: not known */
  readonly cpuMs: number | null;
}

/** Webhooks on SQLite, on PostgreSQL when KERUTA_TEST_POSTGRES_URL is set, and of the baseline when it is installed. */
export async function benchWebhook(_bench: Bench, deliveries = 20_000): Promise<Row[]> {
  const rows = [rowOf('SQLite', await ours({}, deliveries), 3000)];
  const postgres = process.env.KERUTA_TEST_POSTGRES_URL;
  if (postgres)
    await inDatabase(postgres, async (url) => {
      rows.push(rowOf('PostgreSQL', await ours({ KERUTA_DATABASE_URL: url }, deliveries), 1500));
    });
  const there = spawnSync('webhook', ['-version']).status === 0;
  rows.push(
    there
      ? rowOf(
          "Debian's webhook, which keeps nothing and starts /bin/true",
          await baseline(deliveries / 10),
          null,
        )
      : { what: "Debian's webhook", measured: 'not installed', allowed: 'told', met: null },
  );
  return rows;
}

function rowOf(where: string, taken: Taken, least: number | null): Row {
  const { perSecond, p99Ms, statuses } = taken;
  const cpu = taken.cpuMs === null ? '' : `, ${ms(taken.cpuMs)} of CPU each`;
  const refused = Object.keys(statuses).some((status) => !status.startsWith('2'));
  return {
    what: `webhook deliveries, ${where}`,
    measured: `${perSecond.toFixed(0)} /s, p99 ${ms(p99Ms)}${cpu}, ${JSON.stringify(statuses)}`,
    allowed: least === null ? 'told' : `>= ${least} /s, p99 < 500 ms`,
    met: least === null ? null : perSecond >= least && p99Ms < 500 && !refused,
  };
}

/** Works in a database that is made for it, and removed. */
async function inDatabase(url: string, work: (url: string) => Promise<void>): Promise<void> {
  const name = `bench_${process.pid}`;
  const own = new URL(url);
  own.pathname = `/${name}`;
  // without the time limits of the product's own connections: a database is made slowly on a busy machine
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name}`);
    await work(own.href);
  } finally {
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await client.end();
  }
}

async function ours(over: Record<string, string>, deliveries: number): Promise<Taken> {
  const bench = await Bench.start({
    HOOK_SECRET: secret,
    KERUTA_MAX_TASKS_PER_MINUTE: '1000000',
    KERUTA_MAX_PENDING_TASKS: '1000000',
    KERUTA_MAX_CONNECTIONS: '2000',
    ...over,
  });
  const name = `bench-${process.pid}`;
  try {
    const trigger = {
      type: 'webhook',
      ratePerMinute: 1_000_000,
      auth: { type: 'github', secretEnv: 'HOOK_SECRET' },
    };
    await bench.post('/workflows', { name, run: 'true', overlap: 'allow', triggers: [trigger] });
    const path = `/api/v1/public/webhook/workflow/${name}`;
    await flood({ url: bench.url, path, deliveries: 2000, from: deliveries });
    const pid = bench.server?.pid ?? 0;
    const before = cpuMs(pid);
    const taken = await flood({ url: bench.url, path, deliveries, from: 0 });
    return { ...taken, cpuMs: (cpuMs(pid) - before) / deliveries };
  } finally {
    await bench.call('DELETE', `/workflows/${name}`).catch(() => {});
    await bench.close();
  }
}

async function baseline(deliveries: number): Promise<Taken> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-webhook-'));
  const port = await freePort();
  const rule = {
    match: {
      type: 'payload-hmac-sha256',
      secret,
      parameter: { source: 'header', name: 'X-Hub-Signature-256' },
    },
  };
  const hooks = join(directory, 'hooks.json');
  writeFileSync(
    hooks,
    JSON.stringify([{ id: 'hook', 'execute-command': '/bin/true', 'trigger-rule': rule }]),
  );
  const args = ['-hooks', hooks, '-ip', '127.0.0.1', '-port', String(port)];
  let child: ChildProcess | null = null;
  try {
    child = spawn('webhook', args, { stdio: 'ignore' });
    const url = `http://127.0.0.1:${port}`;
    await until(async () => (await fetch(url)).status > 0);
    return await flood({ url, path: '/hooks/hook', deliveries, from: 0 });
  } finally {
    await stop(child);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Sends deliveries over many connections, one at a time on each. */
async function flood(load: {
  readonly url: string;
  readonly path: string;
  readonly deliveries: number;
  /** number of the first: each has an id of its own */
  readonly from: number;
}): Promise<Taken> {
  const { url, path, deliveries, from } = load;
  const requests = Array.from({ length: deliveries }, (_, n) => requestOf(path, from + n));
  const times: number[] = [];
  const statuses: Record<number, number> = {};
  let next = 0;
  const started = performance.now();
  const sender = () =>
    new Promise<void>((done, fail) => {
      const { hostname, port } = new URL(url);
      const socket = connect(Number(port), hostname);
      let sentAt = 0;
      let got = '';
      const send = () => {
        const request = requests[next++];
        if (request === undefined) {
          socket.end();
          done();
          return;
        }
        sentAt = performance.now();
        socket.write(request);
      };
      socket.on('connect', send);
      socket.on('error', fail);
      socket.on('data', (chunk) => {
        got += chunk.toString('latin1');
        const end = got.indexOf('\r\n\r\n');
        if (end === -1) return;
        const length = Number(/content-length: *(\d+)/i.exec(got)?.[1] ?? 0);
        if (got.length < end + 4 + length) return;
        times.push(performance.now() - sentAt);
        const status = Number(got.slice(9, 12));
        statuses[status] = (statuses[status] ?? 0) + 1;
        got = '';
        send();
      });
    });
  await Promise.all(Array.from({ length: connections }, sender));
  const seconds = (performance.now() - started) / 1000;
  return { perSecond: times.length / seconds, p99Ms: quantile(times, 0.99), statuses, cpuMs: null };
}

function requestOf(path: string, n: number): string {
  const body = JSON.stringify({ ref: 'refs/heads/main', n, pad: 'x'.repeat(500) });
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  return [
    `POST ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'X-GitHub-Event: push',
    `X-GitHub-Delivery: ${process.pid}-${n}`,
    `X-Hub-Signature-256: sha256=${signature}`,
    '',
    body,
  ].join('\r\n');
}
