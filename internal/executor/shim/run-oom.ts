import type { OomCounts } from '../../../pkg/process/oom.ts';
import type { ProcessEnd } from '../../domain/outcome.ts';

/** What a shell says when what it waited for was killed: 128 and the number of SIGKILL. */
const killedExitCode = 137;

/** Whether a script ended as one does whose process was killed: itself, or what it waited for last. */
export function looksKilled({ exitCode, signal }: ProcessEnd): boolean {
  return signal === 'SIGKILL' || exitCode === killedExitCode;
}

/**
 * Whether it was the kernel that ended a script, for want of memory: the script was killed, and the kernel killed
 * processes while it ran. Whoever sent the signal himself knows better, and asks for nothing here.
 *
 * The machine's count is asked beside that of the control group, because a script may have moved to a group of its own. It
 * also holds what happened in other containers; that one of those was short of memory while somebody else killed the
 * script is the less likely story.
 */
export function wasOomKilled(end: ProcessEnd, before: OomCounts | null, now: OomCounts): boolean {
  if (!looksKilled(end) || before === null) return false;
  return rose(before.group, now.group) || rose(before.machine, now.machine);
}

function rose(before: number | null, now: number | null): boolean {
  return before !== null && now !== null && now > before;
}
