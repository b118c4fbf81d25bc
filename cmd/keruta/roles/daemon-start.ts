import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConflictError, UnavailableError } from '../../../internal/domain/errors.ts';
import { type CommandContext, command } from '../command.ts';
import { daemonOptions } from './agent-flags.ts';
import type { DaemonPlaces } from './places.ts';

/** How long an agent may take to say that it is ready before `daemon start` goes on without it; ms. */
const readyLimitMs = 10_000;
const lookEveryMs = 50;

/** `keruta daemon start` */
export const daemonStart = command({
  name: 'daemon start',
  summary: 'Starts the agent in the background; with no API configured and none running, keruta up.',
  positionals: {},
  options: daemonOptions,
  examples: ['keruta daemon start --session-id session-123'],
  run: async (context) => {
    const settings = await context.settings();
    const { daemonPlaces } = await import('./places.ts');
    const { readPidFile } = await import('./pid-file.ts');
    const { readServerState } = await import('../server-state.ts');
    const { ownDirectory } = await import('../../../internal/worker/own-directory.ts');
    const places = daemonPlaces(settings.values);
    ownDirectory(settings.values.baseDir, context.uid);
    const running = readPidFile(places.pidFile);
    if (running !== null) {
      throw new ConflictError(
        'KERUTA_ERR_AGENT_RUNNING',
        `the agent runs already (pid ${running.pid}); stop it first: keruta daemon stop`,
      );
    }
    const isAlone =
      settings.origins.apiUrl.from === 'default' && readServerState(settings.values.dataDir) === null;
    const pid = await start(context, {
      role: isAlone ? 'up' : 'daemon',
      places,
      baseDir: settings.values.baseDir,
    });
    const ready = await waitUntilReady(context, pid, places);
    const about = {
      pid,
      ready,
      role: isAlone ? 'up' : 'daemon',
      logFile: places.logFile,
      pidFile: places.pidFile,
    };
    if (context.json) await context.stdout.write(`${JSON.stringify(about)}\n`);
    else {
      const state = ready ? 'running' : 'started, but not ready yet (the API may be away)';
      await context.stdout.write(
        `${isAlone ? 'server and agent' : 'agent'} ${state}: process ${pid}, log ${places.logFile}\n`,
      );
    }
    return 0;
  },
});

interface StartWish {
  readonly role: 'up' | 'daemon';
  readonly places: DaemonPlaces;
  readonly baseDir: string;
}

/** Starts another keruta that outlives this one. Its token goes by a file, not by its environment. @returns its pid */
async function start(context: CommandContext, { role, places, baseDir }: StartWish): Promise<number> {
  const { selfCommand } = await import('./self.ts');
  const { withoutToken } = await import('./hand-over.ts');
  for (const file of [places.logFile, places.outputFile]) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  }
  const words = role === 'up' ? context.words.map(agentWord) : context.words;
  const own = ['--pid-file', places.pidFile, '--log-file', places.logFile];
  const [program, ...before] = selfCommand();
  const output = openSync(places.outputFile, 'w', 0o600);
  try {
    const child = spawn(program, [...before, role, ...words, ...own], {
      cwd: context.cwd,
      detached: true,
      env: withoutToken(process.env, baseDir),
      stdio: ['ignore', output, output],
    });
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    return child.pid ?? 0;
  } finally {
    closeSync(output);
  }
}

/** `keruta up` has a server too, so the agent's own address has other names there. */
function agentWord(word: string): string {
  return word.replace(/^--(host|port)(?=$|=)/, '--agent-$1');
}

async function waitUntilReady(context: CommandContext, pid: number, places: DaemonPlaces): Promise<boolean> {
  const { identityOf } = await import('../../../pkg/process/process-identity.ts');
  const { isAlive } = await import('../../../pkg/process/proc.ts');
  const startTicks = identityOf(pid)?.startTicks ?? null;
  const until = context.clock.monotonicMs() + readyLimitMs;
  while (context.clock.monotonicMs() < until) {
    if (readState(places.stateFile)?.pid === pid) return true;
    if (!isAlive({ pid, startTicks })) throw died(places);
    await context.clock.sleep(lookEveryMs, context.signal);
  }
  return false;
}

function readState(file: string): { readonly pid?: unknown } | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { readonly pid?: unknown };
  } catch {
    return null;
  }
}

function died(places: DaemonPlaces): UnavailableError {
  const words = readFileSync(places.outputFile, 'utf8').trim().split('\n').slice(-5).join('\n');
  const why = words === '' ? `see ${places.logFile}` : words.replace(/^keruta: /gm, '');
  return new UnavailableError('KERUTA_ERR_AGENT_ENDED', `the agent ended at once: ${why}`);
}
