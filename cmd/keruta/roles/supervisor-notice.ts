/**
 * Tells systemd how the agent is, when systemd asked for it: READY=1, WATCHDOG=1, STOPPING=1. It listens on a datagram
 * socket in the file system, which Node cannot write to, so the program `systemd-notify` does it.
 * @see sd_notify(3), systemd-notify(1)
 */
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Log } from '../../../pkg/log/log.ts';
import { runProcess } from '../../../pkg/process/run.ts';

/** What is told; nothing at all, and at no cost, where nobody asked. */
export interface SupervisorNotice {
  /**
   * Says that the agent takes tasks, and from then on that it is alive, as often as systemd wants it.
   * @param isAlive  asked each time; systemd hears nothing while it says no, and then starts the agent anew
   */
  ready(isAlive: () => boolean): void;
  /** Says that the agent ends; resolves when that was told. */
  stopping(): Promise<void>;
}

/** What it takes to tell. */
export interface NoticeParts {
  readonly clock: Clock;
  readonly log: Log;
  /** the process's own; tasks never get the variables that are read here */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** of this process */
  readonly pid: number;
}

/** How long systemd-notify may take; ms. */
const notifyMs = 10_000;

/** Reads in the environment what systemd wants to be told. */
export function makeNotice({ clock, log, env, pid }: NoticeParts): SupervisorNotice {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: period, WATCHDOG_PID: watched } = env;
  if (!socket) return { ready: () => {}, stopping: async () => {} };

  const path = env.PATH ?? '/usr/bin:/bin';
  const tell = async (words: readonly string[]) => {
    try {
      const call = { command: 'systemd-notify', args: words, cwd: '/', maxOutputBytes: 1000 };
      const result = await runProcess({
        ...call,
        env: { NOTIFY_SOCKET: socket, PATH: path },
        timeoutMs: notifyMs,
      });
      if (result.exitCode === 0) return;
      log.warn('systemd could not be told', {
        words,
        exitCode: result.exitCode,
        error: result.stderr.trim(),
      });
    } catch (error) {
      log.warn('systemd could not be told', { words, error });
    }
  };
  let isOver = false;
  let cancel = () => {};
  // twice in the time that systemd waits
  const everyMs = watched === undefined || watched === String(pid) ? Number(period ?? 0) / 1000 / 2 : 0;
  const watch = (isAlive: () => boolean) => {
    if (isOver || !(everyMs > 0)) return;
    cancel = clock.after(everyMs, () => {
      if (isAlive()) void tell(['WATCHDOG=1']);
      else log.error('the loop of the agent stands still; systemd is not told that it is alive');
      watch(isAlive);
    });
  };
  return {
    ready: (isAlive) => {
      void tell(['--ready', '--status=takes tasks']);
      watch(isAlive);
    },
    stopping: () => {
      isOver = true;
      cancel();
      return tell(['STOPPING=1']);
    },
  };
}
