/**
 * Reads a crontab of a user (crontab(5) of Debian's cron and of cronie): which line runs what, and what cannot be said in a
 * workflow. Pure.
 */
import { KerutaError } from '../../../internal/domain/errors.ts';
import { makeCronRule } from '../../../internal/trigger/cron/cron-rule.ts';
import { readZone } from '../../../internal/trigger/cron/zone.ts';

/** One line that runs something. */
export interface CronJob {
  /** from 1 */
  readonly line: number;
  /** as keruta takes it */
  readonly expression: string;
  readonly zone: string;
  /** what the shell is given, escaped percent signs as themselves */
  readonly command: string;
  /** as they stand above the line; later ones over earlier ones */
  readonly variables: Readonly<Record<string, string>>;
  /** the one comment directly above it; `''` when there is none, or more */
  readonly description: string;
}

/** What a crontab says. Faults and notes begin with their line. */
export interface Crontab {
  readonly jobs: readonly CronJob[];
  /** lines that have no workflow, each with what to do instead */
  readonly faults: readonly string[];
  /** what is otherwise than cron has it */
  readonly notes: readonly string[];
}

/** What else there is to know of a machine. */
export interface CrontabPlace {
  /** zone of lines above which no CRON_TZ stands; IANA name */
  readonly zone: string;
  /** names of its users: to tell a crontab of the system, whose sixth field is one of them */
  readonly users: ReadonlySet<string>;
}

/** Longest description that is taken from a comment; characters. */
const maxDescription = 200;

const macros: Readonly<Record<string, string>> = { '@annually': '@yearly', '@midnight': '@daily' };

/** Reads all lines; never throws. */
export function readCrontab(text: string, place: CrontabPlace): Crontab {
  const jobs: CronJob[] = [];
  const faults: string[] = [];
  const notes: string[] = [];
  let variables: Record<string, string> = {};
  let comments: readonly string[] = [];
  let zone: string | null = place.zone;
  for (const [index, whole] of text.split(/\r?\n/).entries()) {
    const line = whole.trim();
    const at = `line ${index + 1}`;
    const above = comments;
    comments = line.startsWith('#') ? [...comments, line.slice(1).trim()] : [];
    if (line === '' || line.startsWith('#')) continue;
    const variable = readVariable(line);
    if (variable !== null) {
      const [name, value] = variable;
      if (name === 'MAILTO' && value !== '') notes.push(`${at}: ${mailNote}`);
      if (looksSecret.test(name)) notes.push(`${at}: ${name} ${secretNote}`);
      if (name === 'CRON_TZ') zone = zoneOf(value, `${at}: CRON_TZ`, faults);
      else if (name !== 'MAILTO') variables = { ...variables, [name]: value };
      continue;
    }
    const found = readJob(line, { zone, users: place.users });
    if (typeof found === 'string') faults.push(`${at}: ${found}`);
    else {
      jobs.push({ ...found, line: index + 1, variables, description: descriptionOf(above) });
      notes.push(...warningsOf(found).map((warning) => `${at}: ${warning}`));
    }
  }
  return { jobs, faults, notes };
}

/** The one comment above a line; not a line that was put out of use, nor the head of the columns. */
function descriptionOf(comments: readonly string[]): string {
  const [only = ''] = comments.length === 1 ? comments : [];
  return /^(?:[\d*@]|m\s+h\s)/.test(only) ? '' : only.slice(0, maxDescription);
}

const looksSecret = /TOKEN|SECRET|PASSW|CREDENTIAL|_KEY$|DSN$/i;
const secretNote =
  'looks like a secret, and would stand in the script on the server: take it out, and set it where the agent is started';
const mailNote =
  'MAILTO is left out: the output of a task is kept (keruta task logs), and is not mailed; `notify` of a workflow tells people when one fails, `onError` runs a script';

/** `NAME=value`, the value in quotes or not; null when the line is none. */
function readVariable(line: string): readonly [string, string] | null {
  const [, name = '', rest = ''] = /^["']?([A-Za-z_]\w*)["']?\s*=\s*(.*)$/.exec(line) ?? [];
  if (name === '') return null;
  const [, , quoted] = /^(["'])(.*)\1$/.exec(rest) ?? [];
  return [name, quoted ?? rest];
}

/** Null when it is none: then no line below it can be taken. */
function zoneOf(text: string, where: string, faults: string[]): string | null {
  try {
    return readZone(text);
  } catch (error) {
    if (!(error instanceof KerutaError)) throw error;
    faults.push(`${where}: ${error.message}; the lines below it are left out`);
    return null;
  }
}

type Found = Pick<CronJob, 'expression' | 'zone' | 'command'>;

/** @returns the job, or why it cannot be one */
function readJob(
  line: string,
  { zone, users }: { readonly zone: string | null; readonly users: ReadonlySet<string> },
): Found | string {
  const [, time = '', rest = ''] =
    /^(@\S+)\s+(.*)$/.exec(line) ?? /^((?:\S+\s+){4}\S+)\s+(.*)$/.exec(line) ?? [];
  if (time === '') return `expected five fields and a command, got ${JSON.stringify(line.slice(0, 60))}`;
  if (time.toLowerCase() === '@reboot')
    return '@reboot has no trigger: a workflow does not know when a machine starts. A systemd unit does';
  if (zone === null) return 'left out, because the time zone above it is none';
  const user = userOf(rest, users);
  if (user !== null)
    return `${JSON.stringify(user)} looks like the user of a line of /etc/crontab. keruta runs everything as the user of the agent: take that word out, and import it where an agent of that user runs`;
  if (/(?<!\\)%/.test(rest))
    return 'a % ends the command for cron, and what follows is its input. Escape it (\\%) where it means itself, or write the input as a here-document in a script';
  const expression = macros[time.toLowerCase()] ?? time.replace(/\s+/g, ' ');
  try {
    makeCronRule({ text: expression, zone });
  } catch (error) {
    if (!(error instanceof KerutaError)) throw error;
    return error.message;
  }
  return { expression, zone, command: rest.replaceAll('\\%', '%') };
}

/** The user in front of a command; null when the first word is the command itself, as far as that can be told. */
function userOf(rest: string, users: ReadonlySet<string>): string | null {
  const [first = '', second = ''] = rest.split(/\s+/);
  const isUser = (first === 'root' && second !== '') || (users.has(first) && /^[/[]/.test(second));
  return isUser ? first : null;
}

function warningsOf({ expression, zone }: Found): readonly string[] {
  return makeCronRule({ text: expression, zone }).expression.warnings;
}
