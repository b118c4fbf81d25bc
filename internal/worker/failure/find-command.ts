/** What failed in a script, as far as its output tells. */
export interface FailingCommand {
  /** text of the line, or the command that the shell named; null when neither is known */
  readonly command: string | null;
  /** in the script, from 1; null when not known */
  readonly line: number | null;
  /** what was said about it, such as `foo: command not found`; null when nothing was */
  readonly message: string | null;
}

/**
 * How interpreters name a place. Each pattern has the groups `file`, `line` and, where there is one, `message`.
 * bash, dash and zsh; Python; Node, Ruby and others with `file:line`; Perl.
 */
const forms: readonly RegExp[] = [
  /^(?<file>[^\s:]+): line (?<line>\d+): (?<message>.+)$/,
  /^(?<file>[^\s:]+): (?<line>\d+): (?<message>[^\s].*)$/,
  /^\s*File "(?<file>[^"]+)", line (?<line>\d+)/,
  /(?:^|[\s(])(?<file>\/?[^\s:()]+):(?<line>\d+)(?::\d+)?\)?:?(?<message> .*)?$/,
  /^(?<message>.*) at (?<file>\S+) line (?<line>\d+)\.?$/,
];

/** How far back, and how far into a line, is looked: patterns on a flood of output must not hold up the agent. */
const maxLines = 200;
const maxCharacters = 1_000;

/**
 * Finds the failing command in what was written to stderr: the last place in the script that anything names. A script
 * that was ended by `set -e` says nothing, so nothing is known then, unless it has one command only. Pure.
 *
 * @param source.scriptNames base names under which the interpreter saw the script
 */
export function findCommand(source: {
  readonly stderrTail: string;
  readonly script: string;
  readonly scriptNames: readonly string[];
}): FailingCommand {
  const lines = source.script.split(/\r?\n/);
  const said = source.stderrTail.split(/\r?\n/).slice(-maxLines).reverse();
  for (const text of said) {
    const found = placeIn(text.slice(0, maxCharacters), source.scriptNames, lines.length);
    if (found === null) continue;
    const command = lines[found.line - 1]?.trim() ?? '';
    return {
      command: command === '' ? null : command.slice(0, 500),
      line: found.line,
      message: found.message,
    };
  }
  return onlyCommandOf(lines);
}

function placeIn(
  text: string,
  names: readonly string[],
  lineCount: number,
): { line: number; message: string | null } | null {
  for (const form of forms) {
    const groups = form.exec(text)?.groups;
    // A place in another file says nothing about the script's own lines.
    if (groups === undefined || !names.some((name) => isFile(groups.file ?? '', name))) continue;
    const line = Number(groups.line);
    if (line < 1 || line > lineCount) continue;
    return { line, message: groups.message?.trim().slice(0, 500) || null };
  }
  return null;
}

const isFile = (file: string, name: string) => file === name || file.endsWith(`/${name}`);

function onlyCommandOf(lines: readonly string[]): FailingCommand {
  const commands = lines
    .map((text, index) => ({ text: text.trim(), line: index + 1 }))
    .filter(({ text }) => text !== '' && !text.startsWith('#') && !/^set [-+]\w/.test(text));
  const [only] = commands;
  if (only === undefined || commands.length > 1) return { command: null, line: null, message: null };
  return { command: only.text.slice(0, 500), line: only.line, message: null };
}
