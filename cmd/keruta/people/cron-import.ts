import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { InputError, NotFoundError } from '../../../internal/domain/errors.ts';
import { type CommandContext, command } from '../command.ts';
import { printJson } from './print.ts';

/** Largest crontab; bytes. */
const maxBytes = 1024 * 1024;

/** `keruta cron import` */
export const cronImport = command({
  name: 'cron import',
  summary:
    "Turns the lines of a user's crontab into workflows, and prints them as a file for `keruta apply`.",
  description:
    'Each line becomes a workflow that runs the same command by the same shell, in the home directory, with the variables ' +
    'that stand above it. What cannot be said in a workflow is left out and named on stderr: @reboot, a % that feeds a ' +
    'command, the user in a line of /etc/crontab. Nothing is changed, here or on a server.',
  positionals: { file: { doc: 'the crontab; stdin when left out, or for -', optional: true } },
  options: {
    tz: { kind: 'string', doc: "zone of its times (default: this machine's, as cron)", placeholder: 'ZONE' },
    session: {
      kind: 'string',
      doc: 'one session for all of them, which runs one at a time (default: one for each)',
      placeholder: 'NAME',
    },
  },
  examples: [
    'crontab -l | keruta cron import > cron.yaml',
    'keruta cron import my-crontab --tz Europe/Berlin',
  ],
  exits: { 1: 'lines were left out; the others are printed' },
  run: async (context, values) => {
    const { readCrontab } = await import('./crontab-file.ts');
    const { workflowsOf } = await import('./crontab-workflow.ts');
    const { writeYaml } = await import('./yaml-lines.ts');
    const { readZone } = await import('../../../internal/trigger/cron/zone.ts');
    const zone = readZone(values.tz ?? zoneOfMachine(context));
    const text = await readText(context, values.file);
    const { jobs, faults, notes } = readCrontab(text, { zone, users: usersOfMachine() });
    const workflows = workflowsOf(jobs, values.session);
    if (context.json) await printJson(context, { workflows, faults, notes });
    else {
      const lines = text.split('\n');
      const documents = workflows.map((one, at) => {
        const { line } = jobs[at] ?? { line: 0 };
        return `# line ${line}: ${(lines[line - 1] ?? '').trim()}\n${writeYaml(one)}`;
      });
      await context.stdout.write(documents.join('---\n'));
      await context.stderr.write(notes.map((note) => `note: ${note}\n`).join(''));
      await context.stderr.write(faults.map((fault) => `left out: ${fault}\n`).join(''));
    }
    if (jobs.length === 0 && faults.length === 0)
      throw new InputError('KERUTA_ERR_BAD_VALUE', 'the crontab has no line that runs anything');
    return faults.length === 0 ? 0 : 1;
  },
});

/** As it is called in the database: `UTC` for `Etc/UTC`. */
function zoneOfMachine({ env }: CommandContext): string {
  const given = (env.TZ ?? '').replace(/^:/, '');
  try {
    return new Intl.DateTimeFormat('en', given === '' ? {} : { timeZone: given }).resolvedOptions().timeZone;
  } catch {
    return given;
  }
}

/** Where there is no such file, only root is known. */
function usersOfMachine(): ReadonlySet<string> {
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
    return new Set(lines.map((line) => line.split(':')[0] ?? '').filter((name) => name !== ''));
  } catch {
    return new Set();
  }
}

async function readText(context: CommandContext, file: string | undefined): Promise<string> {
  if (file !== undefined && file !== '-') return readOwn(resolve(context.cwd, file), file);
  if (context.stdinIsTerminal)
    throw new InputError(
      'KERUTA_ERR_USAGE',
      'cron import: expected a crontab on stdin, such as `crontab -l | keruta cron import`, or a file',
    );
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of context.stdin) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge('stdin');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readOwn(path: string, named: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile())
    throw new NotFoundError('KERUTA_ERR_FILE_NOT_FOUND', `There is no file ${named}; expected a crontab.`);
  if (found.size > maxBytes) throw tooLarge(named);
  return readFileSync(path, 'utf8');
}

function tooLarge(named: string): InputError {
  return new InputError('KERUTA_ERR_BAD_VALUE', `${named}: expected a crontab of at most 1 MiB`);
}
