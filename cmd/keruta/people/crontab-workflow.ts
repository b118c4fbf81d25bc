/** What a line of a crontab is as a workflow. Pure. */
import type { CronJob } from './crontab-file.ts';

/** A workflow as it is written in a file. */
export interface CrontabWorkflow {
  readonly name: string;
  readonly [field: string]: unknown;
}

/** Words in front of a command that do not say what it does. */
const wrappers = new Set([
  ...['nice', 'ionice', 'chronic', 'flock', 'timeout', 'time', 'env', 'exec', 'sudo', 'nohup', 'setsid'],
  ...['sh', 'bash', 'dash', 'zsh', 'python', 'python3', 'perl', 'php', 'node', 'ruby', 'java', 'test', '['],
]);

/**
 * Makes a workflow of each line. They fire as cron does: nothing is made good of the time in which no server ran.
 * @param session  the one that all of them run in, one after another; undefined = each in one of its own
 */
export function workflowsOf(jobs: readonly CronJob[], session: string | undefined): CrontabWorkflow[] {
  const taken = new Map<string, number>();
  return jobs.map((job) => {
    const plain = nameOf(job.command);
    const count = (taken.get(plain) ?? 0) + 1;
    taken.set(plain, count);
    return {
      name: count === 1 ? plain : `${plain}-${count}`,
      ...(job.description === '' ? {} : { description: job.description }),
      ...(session === undefined ? {} : { session }),
      catchUp: 'none',
      run: { script: scriptOf(job) },
      triggers: [{ type: 'cron', expression: job.expression, timezone: job.zone }],
    };
  });
}

/** As cron runs it: by its shell, in the home directory, with the variables that stand above it. */
function scriptOf({ command, variables }: CronJob): string {
  const { SHELL: shell = '/bin/sh', ...others } = variables;
  // what the agent has on its PATH stays behind it: the script may want to say `keruta progress` one day
  const behind = (name: string) => (name === 'PATH' ? ':"$PATH"' : '');
  const exports = Object.entries(others).map(
    ([name, value]) => `export ${name}=${quoted(value)}${behind(name)}\n`,
  );
  return `#!${shell}\n${exports.join('')}cd "$HOME" || exit 1\n${command}\n`;
}

const quoted = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;

/** A name from the program that a command runs; `job` when none shows. */
function nameOf(command: string): string {
  const parts = command.split(/&&|\|\||[;|]/).map((part) => part.trim());
  // to go somewhere, or to look whether something is there, is not yet the work
  const main = parts.find((part) => !/^(?:cd|test|\[|\.|source|export)\s/.test(part)) ?? command;
  const words = main.split(/\s+/).filter((word) => !/^[A-Za-z_]\w*=/.test(word));
  const program = words.find((word, at) => isProgram(word, words[at - 1] ?? '')) ?? '';
  const name = (program.split('/').at(-1) ?? '').replace(/\.[A-Za-z]{1,4}$/, '');
  const clean = name.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[^\p{L}\p{N}]+|-+$/gu, '');
  return clean.slice(0, 90) || 'job';
}

/** Neither a wrapper, nor an option of one, nor the number or the lock behind that. */
function isProgram(word: string, before: string): boolean {
  if (wrappers.has(word.split('/').at(-1) ?? '')) return false;
  return (
    !word.startsWith('-') && !/^\d+[smhd]?$/.test(word) && !(before.startsWith('-') && /lock/.test(word))
  );
}
