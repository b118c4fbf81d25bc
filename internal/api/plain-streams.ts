import { type Line, type LineSplitter, makeLineSplitter } from '../../pkg/lines/lines.ts';
import { ConflictError } from '../domain/errors.ts';
import type { StreamName } from '../domain/task.ts';
import type { LogWriter } from './dialect.ts';
import type { AttemptRef, AttemptReporter, StreamPosition } from './task-source.ts';

interface State {
  readonly splitter: LineSplitter;
  /** taken, but not on the server yet */
  unsent: Line[];
  /** behind the last line that arrived */
  durable: number;
}

/** The part of a plain reporter that turns bytes into log lines. */
export type PlainStreams = Pick<AttemptReporter, 'headStream' | 'patchStream' | 'declareLost'> & {
  /** Sends what is left of both streams as lines without an end. */
  flush(signal: AbortSignal): Promise<void>;
};

/**
 * Makes the streams of one attempt: a line of stdout is a log line of level INFO, of stderr ERROR; blank lines are kept;
 * a line over 64 KiB comes in pieces. When sending fails in the middle, what did not arrive is kept and goes first the
 * next time; no new bytes are taken before that.
 */
export function plainStreams(writeLogs: LogWriter, ref: AttemptRef): PlainStreams {
  const begin = (stream: StreamName): State => ({
    splitter: makeLineSplitter(),
    unsent: [],
    durable: ref.acknowledged?.[stream] ?? 0,
  });
  const states: Record<StreamName, State> = { stdout: begin('stdout'), stderr: begin('stderr') };

  const position = ({ durable, unsent, splitter }: State): StreamPosition => ({
    offset: unsent.reduce((sum, line) => sum + line.bytes, durable) + splitter.pendingBytes,
    durableOffset: durable,
  });

  const requireOffset = (stream: StreamName, offset: number) => {
    const expected = position(states[stream]).offset;
    if (offset === expected) return;
    throw new ConflictError(
      'KERUTA_ERR_OFFSET_MISMATCH',
      `The bytes of ${stream} go on at offset ${expected}, not at ${offset}. Send them from there.`,
      { details: { offset: expected } },
    );
  };

  const send = async (stream: StreamName, signal: AbortSignal) => {
    const state = states[stream];
    const level = stream === 'stdout' ? 'INFO' : 'ERROR';
    const bodies = state.unsent.map(({ text }) => ({ level, message: text, source: stream }));
    const onSent = (count: number) => {
      for (const line of state.unsent.splice(0, count)) state.durable += line.bytes;
    };
    await writeLogs(ref.taskId, bodies, { signal, onSent });
  };

  const flush = (stream: StreamName, signal: AbortSignal) => {
    states[stream].unsent.push(...states[stream].splitter.end());
    return send(stream, signal);
  };

  return {
    headStream: async (stream) => position(states[stream]),
    patchStream: async ({ stream, offset, bytes }, signal) => {
      const state = states[stream];
      await send(stream, signal);
      // the same again, after its lines failed to go out
      if (bytes.length > 0 && offset + bytes.length === position(state).offset) return position(state);
      requireOffset(stream, offset);
      state.unsent.push(...state.splitter.push(bytes));
      await send(stream, signal);
      return position(state);
    },
    declareLost: async ({ stream, offset, bytes }, signal) => {
      requireOffset(stream, offset);
      await flush(stream, signal);
      const message = `[${bytes} bytes of ${stream} were lost here]`;
      await writeLogs(ref.taskId, [{ level: 'WARN', message, source: 'agent' }], { signal });
      states[stream].durable += bytes;
      return position(states[stream]);
    },
    flush: async (signal) => {
      await flush('stdout', signal);
      await flush('stderr', signal);
    },
  };
}
