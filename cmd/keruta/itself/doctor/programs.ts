import { findShimPrograms } from '../../../../internal/executor/local/programs.ts';
import { isProgram } from '../../../../internal/executor/shim/interpreter.ts';
import { ProcessStartError, runProcess } from '../../../../pkg/process/run.ts';
import { type Check, type CheckParts, fail, ok, warn } from './check.ts';

/** Whether the programs are there under which every script runs, and whether the shell runs. */
export const programsCheck: Check = { name: 'programs', look };

async function look({ signal }: CheckParts) {
  const { shell, cat, sleep, mkfifo, bash, setsid } = findShimPrograms();
  const [program = '', ...args] = shell;
  const missing = [program, cat, sleep, mkfifo].filter((file) => !isProgram(file));
  if (missing.length > 0) {
    return fail(
      `no ${missing.join(', ')}: no script can be run`,
      'install coreutils and a shell; they are looked for in /usr/bin, /bin and /usr/local/bin',
    );
  }
  const said = await runShell(program, args, signal);
  if (said !== null) return fail(said, `see whether this works: ${program} -c 'exit 0'`);
  const lacks = [
    ...(bash === null ? ['bash: scripts run by sh, which cannot tell every signal from an exit code'] : []),
    ...(setsid === null ? ['setsid: each run starts some milliseconds later'] : []),
  ];
  if (lacks.length === 0) return ok(`${[program, cat, sleep, mkfifo, setsid].join(', ')}`);
  return warn(`without ${lacks.join('; without ')}`, 'install bash and util-linux');
}

/** @returns what is wrong; null when the shell runs */
async function runShell(
  command: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const call = { command, args: [...args, '-c', 'exit 3'], cwd: '/', env: {}, signal };
    const { exitCode, signal: killed } = await runProcess({
      ...call,
      timeoutMs: 3_000,
      maxOutputBytes: 1000,
    });
    return exitCode === 3 ? null : `${command} ended with ${exitCode ?? killed} in place of 3`;
  } catch (error) {
    if (error instanceof ProcessStartError) return error.message;
    throw error;
  }
}
