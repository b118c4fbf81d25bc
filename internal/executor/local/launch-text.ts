/** A launch as shell text. */
import type { Launch } from './launch.ts';

/** What a shell assigns by itself, or reads as its own setting. */
const shellsOwn =
  /^(IFS|PS4|ENV|BASH.*|SHELLOPTS|POSIXLY_CORRECT|TMOUT|E?UID|PPID|GROUPS|RANDOM|SRANDOM|SECONDS|LINENO|FUNCNAME|DIRSTACK|EPOCH.*|HISTCMD|OPTIND|OPTARG|PIPESTATUS|k_.*)$/;

/** What a spare reads to become the shim of this run; null when a variable cannot be set that way. */
export function shellText(launch: Launch): string | null {
  const lines = [`cd ${quote(launch.directory)} || exit 1`];
  for (const [name, value] of Object.entries(launch.env)) {
    // every shell sets it anew for each command
    if (name === '_') continue;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || shellsOwn.test(name) || value.includes('\0')) return null;
    lines.push(`export ${name}=${quote(value)}`);
  }
  const words = [launch.workingDirectory, launch.input, ...launch.command];
  lines.push(`set -- ${words.map(quote).join(' ')}`);
  return `${lines.join('\n')}\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
