import { spawn } from 'node:child_process';
import { findShimPrograms } from '../../../../internal/executor/local/programs.ts';
import { readProc } from '../../../../pkg/process/proc.ts';
import { type Check, type CheckParts, ok, warn } from './check.ts';

/** How long a program may take until it reads its stdin; ms. */
const [settleMs, lookEveryMs] = [2_000, 10];

/** Whether the machine tells that a script waits for input: by a program that does. */
export const inputCheck: Check = { name: 'input', look };

async function look({ context, signal }: CheckParts) {
  const reader = spawn(findShimPrograms().cat, [], { stdio: ['pipe', 'ignore', 'ignore'], env: {} });
  reader.on('error', () => {});
  try {
    const until = context.clock.monotonicMs() + settleMs;
    while (context.clock.monotonicMs() < until) {
      if (reader.pid !== undefined && tells(reader.pid, context.uid)) {
        return ok('a script that waits for input is seen');
      }
      await context.clock.sleep(lookEveryMs, signal);
    }
    return warn(
      'this machine does not tell whether a script waits for input (/proc/PID/wchan and syscall are hidden)',
      'let scripts ask by `keruta ask`, which works; or let the agent see the processes of its user',
    );
  } finally {
    reader.kill('SIGKILL');
  }
}

/** As the executor looks at runs, which are no children of an agent that was started anew. */
function tells(pid: number, uid: number): boolean {
  if (/pipe_read/.test(readProc(`${pid}/wchan`) ?? '')) return true;
  const mayTrace = uid === 0 || (readProc('sys/kernel/yama/ptrace_scope') ?? '0').trim() === '0';
  return mayTrace && /^\d+ /.test(readProc(`${pid}/syscall`) ?? '');
}
