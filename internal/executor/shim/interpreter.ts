/** Which program runs a script, and in which form it gets it. */
import { accessSync, constants, statSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { InputError } from '../../domain/errors.ts';

/** Where programs are looked for when the environment has no PATH. */
const defaultPath = '/usr/local/bin:/usr/bin:/bin';
const shells = /^(sh|bash|dash|ash|ksh|mksh|zsh|busybox)$/;

/** A script made ready. */
export interface PreparedScript {
  /** what is written to the script file */
  readonly text: string;
  /** program (absolute) and its arguments; the script file comes behind them */
  readonly interpreter: readonly string[];
}

/** Where a script will run. */
export interface ScriptPlace {
  /** PATH of the script's environment */
  readonly path: string | undefined;
  /** what a relative interpreter is relative to */
  readonly workingDirectory: string;
  /** whether a program is there; default: on this machine */
  readonly isProgram?: (file: string) => boolean;
  /** how messages call the place; default `here` */
  readonly name?: string;
}

/**
 * Decides by the first line, as the kernel does (program and at most one argument); of `#!/usr/bin/env NAME …` the
 * program is looked up in the script's own PATH. Without a first line of that kind: `bash`, else `sh`.
 *
 * A shell script whose every line ends in CRLF is converted to LF, because shells take the CR as part of the command;
 * other languages get it as it is.
 *
 * @throws {InputError} KERUTA_ERR_INTERPRETER_MISSING
 */
export function prepareScript(script: string, place: ScriptPlace): PreparedScript {
  const { text, name, rest } = readScript(script);
  const find = (program: string) => findProgram(program, place);
  const program =
    name !== null
      ? find(name)
      : (find('bash') ?? find('sh') ?? findProgram('sh', { ...place, path: defaultPath }));
  if (program === null) throw missingInterpreter(name, place.name);
  return { text, interpreter: [program, ...rest] };
}

/** What a script says about itself, wherever it will run. */
export interface ReadScript {
  /** what is written to the script file */
  readonly text: string;
  /** of its interpreter, as its first line has it; null: it names none, and is for a shell */
  readonly name: string | null;
  /** arguments before the script file */
  readonly rest: readonly string[];
}

/** Reads a script, for whoever looks for its interpreter elsewhere. @see prepareScript */
export function readScript(script: string): ReadScript {
  const [name = null, ...rest] = interpreterWords(script) ?? [];
  const isShell = name === null || shells.test(basename(name));
  return { text: isShell ? withoutCarriageReturns(script) : script, name, rest };
}

/** What the first line names; null when it names nothing. */
function interpreterWords(script: string): readonly string[] | null {
  const line = /^#![ \t]*([^\r\n]*)/.exec(script)?.[1]?.trim() ?? '';
  if (line === '') return null;
  const match = /^(\S+)(?:\s+(.*))?$/.exec(line);
  const [program = '', argument] = [match?.[1], match?.[2]];
  if (argument === undefined) return [program];
  if (basename(program) !== 'env') return [program, argument];
  const words = argument.replace(/^(-S|--split-string=)\s*/, '').split(/\s+/);
  // env's other options and its assignments are its own business
  return /^-|=/.test(words[0] ?? '') ? [program, '-S', words.join(' ')] : words;
}

function findProgram(name: string, place: ScriptPlace): string | null {
  const folders = name.includes('/') ? [''] : (place.path ?? defaultPath).split(':');
  for (const folder of folders) {
    const file = isAbsolute(name) ? name : resolve(place.workingDirectory, join(folder, name));
    if ((place.isProgram ?? isProgram)(file)) return file;
  }
  return null;
}

/** Whether a file is there, is no directory, and may be executed by us. */
export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function withoutCarriageReturns(script: string): string {
  const everyLine = script.includes('\r\n') && !/(^|[^\r])\n/.test(script);
  return everyLine ? script.replaceAll('\r\n', '\n') : script;
}

/** Says that there is no such interpreter. @param name  null: no shell @param where  default `here` */
export function missingInterpreter(wanted: string | null, where = 'here'): InputError {
  const name = wanted ?? 'sh';
  return new InputError(
    'KERUTA_ERR_INTERPRETER_MISSING',
    `the script asks for the interpreter "${name}", which is not installed ${where}; install it, or change the first line of the script`,
    { details: { interpreter: name } },
  );
}
