/** The process as values: the one place that touches its streams, signals and identity for commands. */
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import type { Writer } from './command.ts';
import type { ProcessParts } from './context.ts';
import { homeOfUser } from './home.ts';
import { version } from './version.ts';

/**
 * Makes the parts of this process. Once signals are taken over the first aborts `signal`, unless a command listens. Who
 * begins to listen later hears of those that came before: a daemon that is told to stop while it starts must stop.
 */
export function makeProcessParts(): ProcessParts {
  const stop = new AbortController();
  const listeners = new Set<(name: 'SIGINT' | 'SIGTERM', count: number) => void>();
  let count = 0;
  let unheard: 'SIGINT' | 'SIGTERM' | null = null;
  const hear = (name: 'SIGINT' | 'SIGTERM') => {
    count += 1;
    if (listeners.size > 0) for (const listener of listeners) listener(name, count);
    else if (count === 1) {
      unheard = name;
      stop.abort(new DOMException(`stopped by ${name}`, 'AbortError'));
    } else process.exit(name === 'SIGINT' ? 130 : 143);
  };
  return {
    stdout: makeWriter(process.stdout),
    stderr: makeWriter(process.stderr),
    stdin: process.stdin,
    stdinIsTerminal: process.stdin.isTTY === true,
    hideInput: () => {
      process.stdin.setRawMode(true);
      return {
        giveBack: () => void process.stdin.setRawMode(false),
        interrupt: () => hear('SIGINT'),
      };
    },
    env: process.env,
    cwd: process.cwd(),
    home: homeOfUser(process.env),
    uid: process.getuid?.() ?? 0,
    upMs: () => process.uptime() * 1000,
    version,
    clock: systemClock,
    random: systemRandom,
    signal: stop.signal,
    takeSignals: () => {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => hear(name));
    },
    onStop: (listener) => {
      listeners.add(listener);
      if (unheard !== null) listener(unheard, count);
      unheard = null;
      return () => listeners.delete(listener);
    },
  };
}

function makeWriter(stream: NodeJS.WriteStream): Writer {
  // A reader that went away (`keruta task logs | head`) ends the program without a word, as it does others.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
  });
  return {
    write: (chunk) =>
      new Promise((resolve) => {
        stream.write(chunk, () => resolve());
      }),
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns ?? 80;
    },
  };
}
