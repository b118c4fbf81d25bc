import type { ProcessEnd } from '../../domain/outcome.ts';

/** @see POSIX, Shell Command Language 2.8.2; bash(1), EXIT STATUS; sysexits.h */
const ofCode: Readonly<Record<number, string>> = {
  1: 'general error',
  2: 'wrong usage of a command, or a syntax error',
  64: 'wrong usage (sysexits)',
  65: 'wrong input data (sysexits)',
  69: 'a service is not available (sysexits)',
  70: 'internal error (sysexits)',
  75: 'temporary failure (sysexits)',
  77: 'permission denied (sysexits)',
  78: 'wrong configuration (sysexits)',
  124: 'a time limit passed (timeout)',
  125: 'the tool that should run a command failed itself',
  126: 'a command was found but cannot be run (permission, or wrong format)',
  127: 'command not found',
};

const ofSignal: Readonly<Record<string, string>> = {
  SIGHUP: 'its terminal was closed',
  SIGINT: 'interrupted',
  SIGQUIT: 'quit with a core dump',
  SIGILL: 'illegal instruction',
  SIGABRT: 'it aborted itself',
  SIGBUS: 'bad memory access',
  SIGFPE: 'arithmetic error',
  SIGKILL: 'killed; often for want of memory',
  SIGSEGV: 'bad memory access',
  SIGPIPE: 'it wrote to a pipe that nobody reads',
  SIGTERM: 'asked to end',
  SIGXCPU: 'CPU time limit',
  SIGXFSZ: 'file size limit',
};

/** Numbers of signals as shells report them: 128 + number. Linux and macOS agree on these. */
const signalNumbers: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
};

/** What an exit code or a signal usually means; null when it means nothing in particular. */
export function meaningOf(end: ProcessEnd): string | null {
  if (end.signal !== null) return ofSignal[end.signal] ?? null;
  if (end.exitCode === null) return null;
  const signal = signalNumbers[end.exitCode - 128];
  if (signal !== undefined) return `a command was ended by ${signal}: ${ofSignal[signal] ?? ''}`;
  return ofCode[end.exitCode] ?? null;
}
