import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import type { TaskWire } from '../../internal/api/shapes.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { type CliOptions, type CliResult, cli } from './harness.ts';

const main = resolve(import.meta.dirname, '../../cmd/keruta/main.ts');

/** Server and agents in a process of their own, for all tests of a file: scripts run for real. */
export interface UsedUp {
  /** of whoever runs it, gone after the tests; commands find the server by the files that it leaves there */
  readonly home: string;
  keruta(words: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** Waits until a task has ended. @returns it, and what it wrote */
  ended(id: string): Promise<TaskWire & { readonly log: string }>;
}

/** Runs `keruta up` before the tests of a file, and stops it after them. No failure begets a fix task. */
export function useUp(): UsedUp {
  let home = '';
  let up: ChildProcess;
  let ended: Promise<number | null>;
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'keruta-up-'));
    const env = { PATH: process.env.PATH ?? '', HOME: home, TZ: 'UTC', KERUTA_AUTO_FIX_ENABLED: 'false' };
    const words = ['--no-warnings', main, 'up', '--port', '0', '--agent-port', '0'];
    up = spawn(process.execPath, words, { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] });
    ended = new Promise((resolve) => up.once('exit', resolve));
    let said = '';
    await new Promise<void>((listening, failed) => {
      for (const stream of [up.stdout, up.stderr]) {
        stream?.on('data', (chunk: Buffer) => {
          said += chunk;
          if (said.includes('keruta listens on ')) listening();
        });
      }
      void ended.then((status) => failed(new Error(`keruta up ended with ${status}: ${said}`)));
    });
  }, 120_000);
  afterAll(async () => {
    up.kill('SIGTERM');
    expect(await ended).toBe(0);
    rmSync(home, { recursive: true, force: true });
  }, 120_000);
  const keruta = (words: readonly string[], options: CliOptions = {}) => cli(words, { home, ...options });
  return {
    get home() {
      return home;
    },
    keruta,
    ended: async (id) => {
      await keruta(['task', 'logs', '-f', id]);
      const { out: log } = await keruta(['task', 'logs', id]);
      const { out } = await keruta(['task', 'show', id, '--json']);
      return { ...(JSON.parse(out) as TaskWire), log };
    },
  };
}

/**
 * The same in this process, whose environment and coverage it then shares.
 * @param more  variables beside those of every such test
 */
export function useUpHere(more: Readonly<Record<string, string>> = {}): Pick<UsedUp, 'home' | 'keruta'> {
  const env = { PATH: process.env.PATH ?? '', KERUTA_AUTO_FIX_ENABLED: 'false', ...more };
  let home = '';
  let up: Promise<CliResult>;
  let stop: (name: 'SIGINT' | 'SIGTERM') => void = () => {};
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'keruta-up-'));
    await new Promise<void>((resolve) => {
      up = cli(['up', '--port', '0', '--agent-port', '0'], {
        home,
        env,
        onReady: (play) => (stop = play),
        onOutput: () => resolve(),
      });
    });
    // the address is told before the agent is there, and who submits meanwhile is told so
    for (;;) {
      const { out } = await cli(['agent', 'list', '--json'], { home, env });
      if ((JSON.parse(out || '[]') as { alive: boolean }[]).some(({ alive }) => alive)) break;
      await systemClock.sleep(20);
    }
  }, 60_000);
  afterAll(async () => {
    stop('SIGTERM');
    expect(await up).toMatchObject({ status: 0 });
    rmSync(home, { recursive: true, force: true });
  }, 60_000);
  return {
    get home() {
      return home;
    },
    keruta: (words, options = {}) => cli(words, { home, env, ...options }),
  };
}
