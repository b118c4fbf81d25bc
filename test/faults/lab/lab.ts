/**
 * A laboratory: a place with a server, a proxy in front of it, agents that go through the proxy, a journal of what the
 * server acknowledged, and a check that names the guarantee that was broken.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TaskWire } from '../../../internal/api/shapes.ts';
import {
  hasEnded,
  makePlace,
  type Place,
  pause,
  type RunningServer,
  type Started,
  until,
  type Wish,
} from '../../e2e/place.ts';
import { type LedgerPlan, ledgerFaults, ledgerScript } from './ledger.ts';
import { FlakyProxy } from './proxy.ts';
import { isFull, seed } from './rounds.ts';
import { goFirst } from './starvation.ts';

/** The build for fault tests; it obeys KERUTA_FAILPOINT. */
export const faultyExecutable = resolve(
  process.env.KERUTA_FAULTS_EXECUTABLE ?? join(import.meta.dirname, '../../../dist/keruta-faults'),
);

/** So many lines of an agent's log are shown where a task did not come to its end. */
const lastLines = 40;

/** A ledger task that was submitted. */
export interface LedgerTask {
  readonly id: string;
  readonly lines: number;
  readonly starts: string;
  readonly exitCode: number;
}

/** What a ledger must have come to; see {@link Lab.check}. */
export interface Expectation {
  /** default 1 */
  readonly attempts?: number;
  /** default FAILED, as the ledger's exit code says */
  readonly status?: string;
  /** default: the ledger's */
  readonly exitCode?: number | null;
  /** default null */
  readonly reason?: string | null;
}

/** @see Lab.open */
export class Lab {
  readonly place: Place;
  /** ids that the server has acknowledged: they must be there for ever */
  readonly journal: string[] = [];
  proxy!: FlakyProxy;
  server!: RunningServer;
  #ledgers = 0;
  /** by session, oldest first */
  readonly #agents = new Map<string, Started[]>();

  private constructor(place: Place) {
    this.place = place;
  }

  /** Opens a laboratory with a server and a proxy that passes. Call `close` in an `afterAll`. */
  static async open(
    name: string,
    serverArgs: readonly string[] = [],
    serverEnv: Readonly<Record<string, string>> = {},
  ): Promise<Lab> {
    const executable = existsSync(faultyExecutable) ? faultyExecutable : undefined;
    const lab = new Lab(makePlace(name, executable));
    lab.place.env = { ...lab.place.env, ...serverEnv };
    lab.server = await lab.place.server(serverArgs);
    if (isFull) goFirst(lab.server.pid);
    lab.proxy = await FlakyProxy.listen(lab.server.port);
    return lab;
  }

  /**
   * Starts an agent behind the proxy. In full rounds agents and servers go before others, so that a busy machine is not
   * taken for a slow program.
   * @param options.failpoint  such as `after_claim:kill`
   * @param options.isAwaited  whether it is ready when this returns; default true
   */
  async agent(
    session: string,
    options: {
      readonly base?: string;
      readonly args?: readonly string[];
      readonly failpoint?: string;
      readonly env?: Readonly<Record<string, string>>;
      readonly direct?: boolean;
      readonly isAwaited?: boolean;
    } = {},
  ): Promise<Started> {
    const { base = session, args = [], failpoint, env = {}, direct = false, isAwaited = true } = options;
    const agent = await this.place.daemon(session, ['--base-dir', this.place.path(`base-${base}`), ...args], {
      env: {
        ...this.place.env,
        ...(direct ? {} : { KERUTA_API_URL: this.proxy.url }),
        ...(failpoint === undefined ? {} : { KERUTA_FAILPOINT: failpoint }),
        ...env,
      },
      isAwaited,
    });
    if (isFull) goFirst(agent.pid);
    this.#agents.set(session, [...(this.#agents.get(session) ?? []), agent]);
    return agent;
  }

  /** Submits a ledger. */
  async ledger(session: string, plan: Omit<LedgerPlan, 'starts'>, wish: Wish = {}): Promise<LedgerTask> {
    const starts = this.place.path(`starts-${++this.#ledgers}`);
    const id = await this.submit(session, ledgerScript({ ...plan, starts }), { name: 'ledger', ...wish });
    return { id, lines: plan.lines, starts, exitCode: plan.exitCode ?? 7 };
  }

  /** Submits a task and writes its id into the journal. */
  async submit(session: string, script: string, wish: Wish = {}): Promise<string> {
    const id = await this.place.submit(session, script, wish);
    this.journal.push(id);
    return id;
  }

  /** Kills the server and starts it again on its port. @param pauseMs  for how long it is away */
  async restartServer(
    signal: NodeJS.Signals = 'SIGKILL',
    pauseMs = 0,
    args: readonly string[] = [],
  ): Promise<void> {
    const { port } = this.server;
    await this.server.stop(signal);
    if (pauseMs > 0) await new Promise((done) => setTimeout(done, pauseMs));
    this.server = await this.place.server(args, { port });
    if (isFull) goFirst(this.server.pid);
  }

  /**
   * Waits for the end of a ledger and compares everything with what is promised.
   * @returns the task
   * @throws {Error} that names the broken guarantees by their ids
   */
  async check(ledger: LedgerTask, expected: Expectation = {}, timeoutMs = 60_000): Promise<TaskWire> {
    // the end is told as soon as it is known; the last bytes may come after it
    const isWhole = (seen: TaskWire) => hasEnded(seen.status) && seen.logComplete === true;
    const task = await this.place.when(ledger.id, isWhole, timeoutMs).catch(async (error: unknown) => {
      const fault = `G-06 or G-10: no whole end within ${timeoutMs} ms: ${error}`;
      throw new Error(`violated (seed ${seed}):\n${fault}\n${await this.#lastWords(ledger)}`);
    });
    const { attempts = 1, status = 'FAILED', exitCode = ledger.exitCode, reason = null } = expected;
    const broken: string[] = [];
    for (const [stream, word] of [
      ['stdout', 'out'],
      ['stderr', 'err'],
    ] as const) {
      const text = await this.#logs(ledger.id, stream);
      for (const fault of ledgerFaults(text, word, ledger.lines)) broken.push(`G-01: ${stream}: ${fault}`);
    }
    const starts = existsSync(ledger.starts) ? readFileSync(ledger.starts, 'utf8').trim().split('\n') : [];
    const wanted = Array.from(
      { length: attempts },
      (_, index) => `start ${task.attempt - attempts + 1 + index}`,
    );
    if (starts.join() !== wanted.join()) broken.push(`G-04: starts [${starts}], expected [${wanted}]`);
    if (task.exitCode !== exitCode) broken.push(`G-09: exit code ${task.exitCode}, expected ${exitCode}`);
    if (task.status !== status) broken.push(`G-09: status ${task.status}, expected ${status}`);
    if (task.reason !== reason) broken.push(`G-09: reason ${task.reason}, expected ${reason}`);
    if (broken.length > 0) throw new Error(`violated (seed ${seed}):\n${broken.join('\n')}`);
    return task;
  }

  /** What the agents of a task's session logged last. */
  async #lastWords({ id }: LedgerTask): Promise<string> {
    const { sessionId } = await this.place.task(id);
    const agents = this.#agents.get(sessionId) ?? [];
    return agents.map((agent) => agent.stderr().split('\n').slice(-lastLines).join('\n')).join('\n---\n');
  }

  /** The server may be away at this very moment. */
  async #logs(id: string, stream: 'stdout' | 'stderr'): Promise<string> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.place.logs(id, stream);
      } catch (error) {
        if (tries >= 20) throw error;
        await pause(500);
      }
    }
  }

  /**
   * Looks for everything that the server acknowledged. A task is gone when the server says so; no answer, or that there
   * are too many questions, says nothing.
   * @throws {Error} G-02
   */
  async checkJournal(): Promise<void> {
    const isThere = (id: string) =>
      this.place.task(id).then(
        () => true,
        (error: Error) => {
          if (!/: 404 /.test(error.message)) return false;
          throw new Error(`violated (seed ${seed}):\nG-02: task ${id} was acknowledged and is gone`);
        },
      );
    for (const id of this.journal) await until(`it is told of ${id}`, () => isThere(id), 60_000);
  }

  /** How often the server has given up a task, from its audit. */
  countLost(): number {
    const database = new DatabaseSync(this.place.path('server/keruta.db'), { readOnly: true });
    const row = database.prepare("SELECT count(*) AS count FROM audit WHERE action = 'task.lost'").get();
    database.close();
    return Number(row?.count);
  }

  async close(): Promise<void> {
    this.proxy.close();
    await this.place.close();
  }
}
