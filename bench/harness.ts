/** What the benchmarks share: a server and an agent of the built executable, in a temporary directory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The built executable; BENCH_EXECUTABLE names another one. */
export const executable = resolve(
  process.env.BENCH_EXECUTABLE ?? join(import.meta.dirname, '../dist/keruta'),
);

/** A line of the result table. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly allowed: string;
  /** null: it is told, not judged */
  readonly met: boolean | null;
}

/** Middle of a list. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** A quantile by the nearest rank. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export const ms = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;

/** A running server with one session. */
export class Bench {
  readonly directory = mkdtempSync(join(tmpdir(), 'bench-'));
  url = '';
  token = '';
  sessionId = '';
  server: ChildProcess | null = null;
  agent: ChildProcess | null = null;

  /**
   * @param over  more variables for the server; a database of its own instead of SQLite, for one
   * @param role  `up`: with agents for the sessions of workflows, in the same process
   */
  static async start(over: Record<string, string> = {}, role: 'server' | 'up' = 'server'): Promise<Bench> {
    const bench = new Bench();
    const port = await freePort();
    bench.url = `http://127.0.0.1:${port}`;
    const args = [role, '--port', String(port), '--data-dir', join(bench.directory, 'server')];
    const own = role === 'up' ? ['--agent-port', '0'] : [];
    bench.server = bench.spawn([...args, ...own], over);
    await until(async () => (await fetch(`${bench.url}/healthz`)).ok);
    bench.token = readFileSync(join(bench.directory, 'server/admin.token'), 'utf8').trim();
    bench.sessionId = ((await bench.post('/sessions', { name: 'bench' })) as { id: string }).id;
    return bench;
  }

  env(over: Record<string, string> = {}): Record<string, string> {
    return {
      PATH: process.env.PATH ?? '',
      HOME: this.directory,
      KERUTA_BASE_DIR: join(this.directory, 'agent'),
      KERUTA_API_URL: this.url,
      KERUTA_API_TOKEN: this.token,
      KERUTA_SESSION_ID: this.sessionId,
      ...over,
    };
  }

  spawn(args: readonly string[], over: Record<string, string> = {}): ChildProcess {
    return spawn(executable, args, { env: this.env(over), cwd: this.directory, stdio: 'ignore' });
  }

  startAgent(over: Record<string, string> = {}): void {
    this.agent = this.spawn(['daemon', '--port', '0'], over);
  }

  async stopAgent(): Promise<void> {
    await stop(this.agent);
    this.agent = null;
  }

  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  post(path: string, body: unknown): Promise<unknown> {
    return this.call('POST', path, body);
  }

  async submit(script: string, over: Record<string, unknown> = {}): Promise<string> {
    const task = await this.post('/tasks', { sessionId: this.sessionId, name: 'bench', script, ...over });
    return (task as { id: string }).id;
  }

  async waitEnd(id: string): Promise<Record<string, unknown>> {
    let task: Record<string, unknown> = {};
    await until(async () => {
      task = (await this.call('GET', `/tasks/${id}`)) as Record<string, unknown>;
      return ['COMPLETED', 'FAILED', 'CANCELLED'].includes(String(task.status)) && task.logComplete === true;
    }, 600_000);
    return task;
  }

  async close(): Promise<void> {
    await stop(this.agent);
    await stop(this.server);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A value of `/proc/<pid>/status` in MB. */
export function statusMegabytes(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const line = new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? 0) / 1024;
}

/** User and system time of a process; ms. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Runs a command to its end; @returns wall time in ms */
export function time(command: string, args: readonly string[], env: Record<string, string>): Promise<number> {
  const started = performance.now();
  return new Promise((done, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0
        ? done(performance.now() - started)
        : reject(new Error(`${command} ${args.join(' ')}: exit ${code}`)),
    );
  });
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((done) => setTimeout(done, milliseconds));

/** Waits until something is so; looks every few ms. */
export async function until(so: () => Promise<boolean>, limitMs = 20_000): Promise<void> {
  const end = performance.now() + limitMs;
  for (;;) {
    if (await so().catch(() => false)) return;
    if (performance.now() > end) throw new Error('waited too long');
    await pause(3);
  }
}

/** Ends a program, and waits for it. */
export function stop(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((done) => {
    child.on('exit', () => done());
    child.kill('SIGTERM');
  });
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}
