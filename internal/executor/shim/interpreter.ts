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
  const words = interpreterWords(script);
  const find = (name: string) => findProgram(name, place);
  if (words === null) {
    const shell = find('bash') ?? find('sh') ?? findProgram('sh', { ...place, path: defaultPath });
    if (shell === null) throw missing('sh', place);
    return { text: withoutCarriageReturns(script), interpreter: [shell] };
  }
  const [name = '', ...rest] = words;
  const program = find(name);
  if (program === null) throw missing(name, place);
  const isShell = shells.test(basename(program));
  return { text: isShell ? withoutCarriageReturns(script) : script, interpreter: [program, ...rest] };
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

function missing(name: string, { name: where = 'here' }: ScriptPlace): InputError {
  return new InputError(
    'KERUTA_ERR_INTERPRETER_MISSING',
    `the script asks for the interpreter "${name}", which is not installed ${where}; install it, or change the first line of the script`,
    { details: { interpreter: name } },
  );
}
