/** How the findings of `keruta doctor` are shown, and how it ends. */
import { formatTable } from '../../../pkg/table/table.ts';
import type { CommandContext } from '../command.ts';
import { styleOf } from '../people/print.ts';
import type { CheckState } from './doctor/check.ts';
import type { NamedFinding } from './doctor-run.ts';

/** A table: one line for each finding, and one below it for what is to be done. Nothing of it is cut off. */
export function findingsTable(context: CommandContext, findings: readonly NamedFinding[]): string {
  const { bold, dim, green, yellow, red } = styleOf(context);
  const paints: Readonly<Record<CheckState, (text: string) => string>> = {
    ok: green,
    warn: yellow,
    fail: red,
    skipped: dim,
  };
  const count = (state: CheckState) => findings.filter((one) => one.state === state).length;
  const table = formatTable({
    columns: [
      { title: 'CHECK' },
      { title: 'STATE', paint: (cell) => paints[cell as CheckState]?.(cell) ?? cell },
      { title: 'FOUND' },
    ],
    rows: findings.flatMap(({ name, state, found, advice }) => [
      [name, state, found],
      ...(advice === null ? [] : [['', '', `→ ${advice}`]]),
    ]),
    paintTitle: bold,
  });
  const states = (['ok', 'warn', 'fail', 'skipped'] as const).filter((state) => count(state) > 0);
  return `${table}\n${states.map((state) => `${count(state)} ${state}`).join(', ')}\n`;
}

/**
 * Ends this process although a thread of it waits for a file system that hangs: an ordinary exit waits for that thread.
 * Another program in its place does not. Returns where that cannot be done.
 */
export function leaveStuck(status: number): void {
  try {
    // Node says on stderr that this call is experimental; nobody who reads our stderr can do anything about that.
    process.removeAllListeners('warning');
    process.execve?.('/bin/sh', ['sh', '-c', `exit ${status}`], {});
  } catch {
    // then the exit waits
  }
}
