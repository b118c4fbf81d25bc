/** An executor that also shows the output here while it is captured. */

import { type StreamName, streamNames } from '../../../internal/domain/task.ts';
import type { Executor, Run, RunEnd } from '../../../internal/executor/executor.ts';

const pieceBytes = 256 * 1024;

/** What becomes of the output and the end of the one run. */
export interface TeeTarget {
  readonly output: (stream: StreamName, bytes: Uint8Array) => Promise<void>;
  readonly ended: (end: RunEnd) => void;
}

/** Wraps an executor. `drained` of its runs holds back until everything was shown. */
export function teeExecutor(inner: Executor, target: TeeTarget): Executor {
  return {
    start: async (spec) => teeRun(await inner.start(spec), target),
    attach: async (directory) => {
      const run = await inner.attach(directory);
      return run && teeRun(run, target);
    },
    isUntouched: (directory) => inner.isUntouched(directory),
    prepare: () => inner.prepare(),
    close: () => inner.close(),
  };
}

function teeRun(run: Run, target: TeeTarget): Run {
  const shown: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  let work = Promise.resolve();
  let told = false;
  const show = async (): Promise<void> => {
    for (const stream of streamNames) {
      for (;;) {
        const bytes = await run.read(stream, shown[stream], pieceBytes);
        if (bytes.length === 0) break;
        shown[stream] += bytes.length;
        await target.output(stream, bytes);
      }
    }
  };
  const queue = (): Promise<void> => {
    work = work.then(show);
    return work;
  };
  const stop = run.watch(() => void queue().catch(() => {}));
  return {
    directory: run.directory,
    mailboxFile: run.mailboxFile,
    ended: async () => {
      const end = await run.ended();
      if (end && !told) target.ended(end);
      if (end) told = true;
      return end;
    },
    drained: async () => {
      if (!(await run.drained())) return false;
      stop();
      await queue();
      return true;
    },
    size: (stream) => run.size(stream),
    read: (stream, offset, maxBytes, into) => run.read(stream, offset, maxBytes, into),
    watch: (listener) => run.watch(listener),
    write: (text) => run.write(text),
    closeInput: () => run.closeInput(),
    interrupt: () => run.interrupt(),
    kill: () => run.kill(),
    processes: () => run.processes(),
    isReadingInput: () => run.isReadingInput(),
    usage: () => run.usage(),
  };
}
