import type { Clock } from '../clock/clock.ts';
import { makeLineSplitter } from '../lines/lines.ts';
import type { Cluster } from './cluster.ts';
import { ClusterError, hasStatus } from './cluster-error.ts';

/** Which log. */
export interface LogFollow {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly pod: string;
  readonly container: string;
  /** asked when the log has ended: whether the container may write more, so that it was the connection that ended */
  readonly mayGoOn: () => boolean;
  readonly signal: AbortSignal;
}

/** Before a log that broke, or is not there yet, is asked for again; ms. */
const againMs = 250;
const maxLineBytes = 64 * 1024;

/**
 * Gives the lines of a container's log as they come. When the connection breaks it goes on by time: the API only knows
 * whole seconds, so lines of that second come again and are passed over, as many of each time as had come.
 */
export async function* followLog(follow: LogFollow): AsyncGenerator<string> {
  const { cluster, clock, pod, container, mayGoOn, signal } = follow;
  let last = '';
  let seenAtLast = 0;
  while (!signal.aborted) {
    let passOver = seenAtLast;
    try {
      const sinceTime = last === '' ? null : last;
      const stream = await cluster.podLog(pod, { container, sinceTime, follow: true, signal });
      const splitter = makeLineSplitter(maxLineBytes);
      for await (const bytes of stream) {
        for (const { text } of splitter.push(bytes)) {
          const blank = text.indexOf(' ');
          const [time, line] = [text.slice(0, blank), text.slice(blank + 1)];
          if (isBefore(time, last)) continue;
          if (time === last && passOver > 0) {
            passOver -= 1;
            continue;
          }
          if (time !== last) [last, seenAtLast, passOver] = [time, 0, 0];
          seenAtLast += 1;
          yield line;
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      // 400: the container has not begun; 404: its pod is gone
      const isForever = error instanceof ClusterError && error.kind !== 'unreachable';
      if (isForever && !hasStatus(error, 400)) return;
    }
    if (!mayGoOn()) return;
    await clock.sleep(againMs, signal).catch(() => {});
  }
}

/** Compares two times of a log, whose fractions of a second are cut of their zeros. */
function isBefore(time: string, other: string): boolean {
  return fixed(time) < fixed(other);
}

function fixed(time: string): string {
  const [, seconds = '', fraction = ''] = /^(\S{19})(?:\.(\d+))?/.exec(time) ?? [];
  return `${seconds}.${fraction.padEnd(9, '0')}`;
}
