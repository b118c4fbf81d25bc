/** Which program gets the command of a step, and how. Pure. */
import { basename } from 'node:path';
import type { Shell } from './playbook.ts';

/** How programs take a command as an argument; shells end at the first command that fails. */
const flags: Readonly<Record<string, readonly string[]>> = {
  bash: ['-e', '-c'],
  sh: ['-e', '-c'],
  dash: ['-e', '-c'],
  ash: ['-e', '-c'],
  ksh: ['-e', '-c'],
  zsh: ['-e', '-c'],
  python: ['-c'],
  python3: ['-c'],
  node: ['-e'],
  perl: ['-e'],
  ruby: ['-e'],
};

/** In place of a shell when none is named: the first that is there. */
export const defaultShells: readonly Shell[] = [
  ['bash', '-e', '-c'],
  ['sh', '-e', '-c'],
];

/**
 * Reads what a playbook says of its shell. A known program alone gets the flags by which it takes a command; with arguments of its
 * own, or another program, it gets those alone.
 * @param written  words with blanks between them; undefined: none is named
 */
export function readShell(written: string | undefined): Shell | null {
  const [program, ...words] = (written ?? '').split(/\s+/).filter((word) => word !== '');
  if (program === undefined) return null;
  return [program, ...(words.length > 0 ? words : (flags[basename(program)] ?? []))];
}
