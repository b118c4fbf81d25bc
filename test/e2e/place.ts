/**
 * A place of its own for tests of the built executable: a temporary directory with a copy of `dist/keruta`, an
 * environment that holds nothing but what is said here, and the processes that were started, all of which die with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ArtifactWire, TaskWire } from '../../internal/api/shapes.ts';
import { freePort } from '../fixtures/free-port.ts';

/** How a command ended. */
export interface Ended {
  /** null when a signal ended it */
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How something is started; what is left out is the place's own. */
export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** stdin; default: empty */
  readonly input?: string;
  /** after it the process is killed, with its group; default 20 s */
  readonly timeoutMs?: number;
}

/** A process that runs. */
export interface Started {
  readonly pid: number;
  readonly child: ChildProcess;
  /** what it has written so far */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** how it ended, once it has */
  readonly ended: Promise<Ended>;
  /** Sends a signal to the process (not to its group) and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<Ended>;
}

/** A server that listens. */
export interface RunningServer extends Started {
  readonly url: string;
  readonly port: number;
}

/** How a task is made by {@link Place.submit}. */
export type Wish = Partial<Omit<TaskWire, 'input'>> & { readonly input?: 'none' | 'wait' };

/** For a program to say that it is there: full rounds may run beside anything. */
const longestStartMs = process.env.FAULTS === 'full' ? 120_000 : 30_000;
const built = resolve(import.meta.dirname, '../../dist/keruta');
/** Longer than any file of tests takes; `npm run faults` has rows of many minutes. What runs outside of tests has no end of its own. */
const inTestsMs = process.env.FAULTS === 'full' ? 4 * 3_600_000 : 900_000;
const longestMs = process.env.VITEST === undefined ? 2 ** 31 - 1 : inTestsMs;

/** Makes a place. Call `close` in an `afterAll`. @param executable  default: dist/keruta */
export function makePlace(name: string, executable = built): Place {
  return new Place(name, executable);
}

/** @see makePlace */
export class Place {
  readonly directory: string;
  readonly executable: string;
  /** the HOME of everything that is started */
  readonly home: string;
  /** what everything is started with; tests may change it */
  env: Record<string, string>;
  #children: Started[] = [];
  #api = { url: '', token: '' };

  constructor(name: string, executable: string) {
    this.directory = mkdtempSync(join(tmpdir(), `e2e-${name}-`));
    this.executable = join(this.directory, 'bin/keruta');
    this.home = join(this.directory, 'home');
    mkdirSync(join(this.directory, 'bin'));
    mkdirSync(this.home);
    copyFileSync(executable, this.executable, constants.COPYFILE_FICLONE);
    this.env = { PATH: `${join(this.directory, 'bin')}:/usr/bin:/bin`, HOME: this.home };
  }

  /** A path below the place's directory. */
  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  /** Writes a file below the place's directory. @returns its path */
  file(name: string, content: string | Uint8Array, mode = 0o644): string {
    const path = this.path(name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content, { mode });
    return path;
  }

  /** Runs keruta to its end. */
  keruta(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
    return this.start(this.executable, args, options).ended;
  }

  /** Runs keruta with `--json`. @returns what it printed @throws when it fails */
  async json<T>(...args: string[]): Promise<T> {
    const ended = await this.keruta([...args, '--json']);
    if (ended.status !== 0) throw new Error(`keruta ${args.join(' ')}: ${ended.status} ${ended.stderr}`);
    return JSON.parse(ended.stdout) as T;
  }

  /** Runs a script with bash. */
  bash(script: string, options: StartOptions = {}): Promise<Ended> {
    return this.start('/bin/bash', ['-c', script], options).ended;
  }

  /** Starts any program, in a process group of its own. */
  start(program: string, args: readonly string[], options: StartOptions = {}): Started {
    const child = spawn(program, args, {
      cwd: options.cwd ?? this.directory,
      env: options.env ?? this.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    const ended = new Promise<Ended>((done, fail) => {
      child.on('error', fail);
      child.on('close', (status, signal) => done({ status, signal, stdout, stderr }));
    });
    const timer = setTimeout(() => killGroup(child), options.timeoutMs ?? 45_000);
    ended.then(
      () => clearTimeout(timer),
      () => clearTimeout(timer),
    );
    const started: Started = {
      pid: child.pid ?? 0,
      child,
      stdout: () => stdout,
      stderr: () => stderr,
      ended,
      stop: (signal = 'SIGTERM') => {
        child.kill(signal);
        return ended;
      },
    };
    this.#children.push(started);
    return started;
  }

  /**
   * Starts a server on a free port, and makes it the one that everything here talks to.
   * @param options.token  the admin token that it is given; default: it makes one
   */
  async server(
    args: readonly string[] = [],
    options: StartOptions & { readonly port?: number; readonly token?: string } = {},
  ) {
    const words = [
      'server',
      '--port',
      String(options.port ?? (await freePort())),
      '--data-dir',
      this.path('server'),
      ...args,
    ];
    const started = this.start(this.executable, words, { timeoutMs: longestMs, ...options });
    const url = await this.#said(started, /keruta listens on (\S+)/);
    await this.#said(started, /token/);
    this.use(url, options.token ?? readFileSync(this.path('server/admin.token'), 'utf8').trim());
    return { ...started, url, port: Number(new URL(url).port) } satisfies RunningServer;
  }

  /** Makes an API the one that everything here talks to. */
  use(url: string, token: string): void {
    this.#api = { url, token };
    this.env = { ...this.env, KERUTA_API_URL: url, KERUTA_API_TOKEN: token };
  }

  /** Starts an agent; it is ready when this returns, unless that is not to be waited for. */
  async daemon(
    session: string,
    args: readonly string[] = [],
    options: StartOptions & { readonly isAwaited?: boolean } = {},
  ): Promise<Started> {
    const words = ['daemon', '--session-id', session, '--port', '0', ...args];
    const started = this.start(this.executable, words, { timeoutMs: longestMs, ...options });
    if (options.isAwaited ?? true) await this.#said(started, /the agent is ready/);
    return started;
  }

  async #said(started: Started, what: RegExp): Promise<string> {
    let over = false;
    void started.ended.then(() => {
      over = true;
    });
    const find = () => what.exec(started.stdout()) ?? what.exec(started.stderr());
    await until(`it says ${what}`, () => over || find() !== null, longestStartMs);
    const found = find();
    if (found === null)
      throw new Error(`it ended without saying ${what}: ${started.stdout()}${started.stderr()}`);
    return found[1] ?? found[0];
  }

  /** Calls the API. @returns the answer's JSON @throws when the status is none of success */
  async api<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.#api.url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#api.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }

  /** Makes a session. @returns its id */
  async session(name: string, wish: Readonly<Record<string, unknown>> = {}): Promise<string> {
    return (await this.api<{ id: string }>('POST', '/sessions', { name, ...wish })).id;
  }

  /** Makes a task. Auto-fix is off unless it is wished for. @returns its id */
  async submit(sessionId: string, script: string, wish: Wish = {}): Promise<string> {
    const body = { sessionId, name: script.slice(0, 40), script, autoFix: false, ...wish };
    return (await this.api<{ id: string }>('POST', '/tasks', body)).id;
  }

  task(id: string): Promise<TaskWire> {
    return this.api('GET', `/tasks/${id}`);
  }

  artifacts(id: string): Promise<ArtifactWire[]> {
    return this.api('GET', `/tasks/${id}/artifacts`);
  }

  /** The raw output of a task. */
  async logs(id: string, stream?: 'stdout' | 'stderr'): Promise<string> {
    const which = stream === undefined ? '' : `&stream=${stream}`;
    const answer = await fetch(`${this.#api.url}/api/v1/tasks/${id}/logs?format=text${which}`, {
      headers: { authorization: `Bearer ${this.#api.token}` },
      signal: AbortSignal.timeout(30_000),
    });
    return answer.text();
  }

  /** Waits until a task is as wished for. */
  async when(id: string, is: (task: TaskWire) => boolean, timeoutMs = 45_000): Promise<TaskWire> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const task = await this.task(id).catch(() => null);
      if (task !== null && is(task)) return task;
      if (Date.now() > deadline) throw new Error(`task ${id} stayed ${JSON.stringify(task)}`);
      await pause(25);
    }
  }

  /** Waits for the end of a task. */
  ended(id: string, timeoutMs?: number): Promise<TaskWire> {
    return this.when(id, ({ status }) => hasEnded(status), timeoutMs);
  }

  /** Waits until a task has ended and all of its output is there, which may come later on a busy machine. */
  whole(id: string, timeoutMs?: number): Promise<TaskWire> {
    return this.when(id, ({ status, logComplete }) => hasEnded(status) && logComplete, timeoutMs);
  }

  /** Cancels what is still under way in a session, so that a test that failed does not hold up the next. */
  async quiet(sessionId: string): Promise<void> {
    const tasks = await this.api<TaskWire[]>('GET', `/sessions/${sessionId}/tasks`);
    for (const task of tasks.filter(({ status }) => !hasEnded(status))) {
      await this.api('POST', `/tasks/${task.id}/cancel`, {});
      await this.ended(task.id);
    }
  }

  /** Makes a git repository with one commit. @returns its path */
  async repository(name: string): Promise<string> {
    const made = await this.bash(
      `git init -q -b main ${name} && cd ${name} && echo hello > README.md && git add . && git -c user.name=e -c user.email=e@e.example commit -qm first`,
    );
    if (made.status !== 0) throw new Error(made.stderr);
    return this.path(name);
  }

  /** Every living process that has to do with this place: by its command line, environment, program or directory. */
  processes(): { readonly pid: number; readonly command: string }[] {
    const found = [];
    for (const entry of readdirSync('/proc')) {
      const pid = Number(entry);
      if (!Number.isInteger(pid) || pid === process.pid) continue;
      const command = readProc(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
      if (command === '') continue; // a zombie, or a thread of the kernel
      const about = [
        command,
        readProc(() => readFileSync(`/proc/${pid}/environ`, 'utf8')),
        readProc(() => readlinkSync(`/proc/${pid}/exe`)),
        readProc(() => readlinkSync(`/proc/${pid}/cwd`)),
      ];
      if (about.some((text) => text.includes(this.directory))) found.push({ pid, command });
    }
    return found;
  }

  /** Ends everything and removes the directory. */
  async close(): Promise<void> {
    for (const { child } of this.#children) killGroup(child);
    for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
      const left = this.processes();
      for (const { pid } of left) kill(pid);
      if (left.length === 0) break;
      await pause(25);
    }
    await Promise.allSettled(this.#children.map(({ ended }) => ended));
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Waits until something holds. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 45_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await pause(20);
  }
}

/** Waits. Only for what has no sign of its own; otherwise see {@link until}. */
export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

/** Whether a task of this status has ended. */
export function hasEnded(status: string): boolean {
  return ['COMPLETED', 'FAILED', 'CANCELLED'].includes(status);
}

function readProc(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

/** The number of one that has ended, of whatever, may be somebody else's by now: a full round takes all numbers there are. */
function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null && signalCode === null) kill(-pid);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it is gone
  }
}
