import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeLocalExecutor } from '../../../internal/executor/local/local-executor.ts';
import { runAgent } from '../../../internal/worker/agent.ts';
import type { AgentExit, AgentOptions, AgentParts } from '../../../internal/worker/agent-options.ts';
import { AgentControl } from '../../../internal/worker/control.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { FakeSource } from './fake-source.ts';

/** A place with a base directory for agents of one test. */
export class Place {
  readonly root = mkdtempSync(join(tmpdir(), 'keruta-agent-'));
  readonly source = new FakeSource();
  readonly running: { control: AgentControl; exit: Promise<AgentExit> }[] = [];

  options(change: Partial<AgentOptions> = {}): AgentOptions {
    return agentOptions(this.root, { sessionId: this.source.session.id, ...change });
  }

  /** Starts an agent with the real executor, unless told otherwise, against the fake server. */
  start(
    change: Partial<AgentOptions> = {},
    parts: Partial<AgentParts> = {},
  ): {
    control: AgentControl;
    exit: Promise<AgentExit>;
  } {
    const control = new AgentControl();
    const options = this.options(change);
    const started = {
      control,
      exit: runAgent({ ...agentParts(options), source: () => this.source, ...parts }, options, control),
    };
    this.running.push(started);
    return started;
  }

  /** Runs an agent until one task has ended. */
  once(change: Partial<AgentOptions> = {}, parts: Partial<AgentParts> = {}): Promise<AgentExit> {
    return this.start({ once: true, ...change }, parts).exit;
  }

  async remove(): Promise<void> {
    this.source.fault = () => null;
    for (const { control, exit } of this.running) {
      control.stop('cancel');
      await exit.catch(() => {});
    }
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** What an agent of a test works with: everything real but its server. */
export function agentParts(options: AgentOptions): Omit<AgentParts, 'source'> {
  return {
    clock: systemClock,
    random: systemRandom,
    log: process.env.KERUTA_TEST_LOG ? consoleLog : silentLog,
    executor: makeLocalExecutor({
      clock: systemClock,
      stateDirectory: join(options.baseDirectory, 'executor'),
    }),
  };
}

/** Options of an agent that lives below `root` and touches nothing else. */
export function agentOptions(root: string, change: Partial<AgentOptions> = {}): AgentOptions {
  mkdirSync(join(root, 'bin'), { recursive: true });
  return {
    baseDirectory: join(root, 'base'),
    repositoriesDirectory: join(root, 'repos'),
    workingDirectory: null,
    trustWorkingDirectory: false,
    allowLocalGit: true,
    gitTimeoutMs: 600_000,
    allowedRepositories: null,
    sessionId: 's',
    workspaceId: 'w',
    apiUrl: 'http://127.0.0.1:1',
    apiToken: 'krt_ses_agentsown',
    version: '0.0.0',
    pid: process.pid,
    uid: process.getuid?.() ?? null,
    environment: { PATH: process.env.PATH, HOME: root, MY_SECRET: 'hunter2hunter2' },
    executable: '/bin/false',
    binDirectory: join(root, 'bin'),
    once: false,
    keepAlive: false,
    exitOnIdleMs: null,
    maxUptimeMs: null,
    claimWaitMs: 10_000,
    graceMs: 300,
    cleanUpMs: 300,
    minFreeDiskBytes: 0,
    artifacts: { directory: null, extraDirectories: [], maxFileBytes: 1024 * 1024 },
    runnerConfig: null,
    autoFix: { enabled: false, command: null },
    localApi: null,
    ...change,
  };
}

const consoleLog: typeof silentLog = {
  debug: (message, fields) => process.stderr.write(`D ${message} ${JSON.stringify(fields)}\n`),
  info: (message, fields) => process.stderr.write(`I ${message} ${JSON.stringify(fields)}\n`),
  warn: (message, fields) => process.stderr.write(`W ${message} ${JSON.stringify(fields)}\n`),
  error: (message, fields) =>
    process.stderr.write(`E ${message} ${String((fields?.error as Error)?.stack)}\n`),
  with: () => consoleLog,
};
