/**
 * What the five speaking commands look like: `start`, `progress`, `success`, `fail`, `log`, and `ask`. One table, read by
 * the small entry (which must not load a CLI library) and by the command list (which makes help out of it).
 */
import { InputError } from '../../../internal/domain/errors.ts';
import { parseLogLevel } from '../../../internal/domain/log-level.ts';

/** An option of a speaking command. `value`: takes one; `flag`: `--name` and `--no-name`. */
export interface SpeakingOption {
  readonly name: string;
  readonly form: 'value' | 'flag';
  /** placeholder in the help, e.g. `TEXT` */
  readonly value?: string;
  /** what applies without it, for the help */
  readonly otherwise?: string;
  readonly variable?: string;
  readonly doc: string;
}

/** A speaking command. */
export interface SpeakingCommand {
  readonly name: 'start' | 'progress' | 'success' | 'fail' | 'log' | 'ask';
  readonly purpose: string;
  /** names of the positionals, in order; a trailing `?` makes one optional */
  readonly positionals: readonly string[];
  readonly options: readonly SpeakingOption[];
  readonly examples: readonly string[];
}

const message: SpeakingOption = {
  name: 'message',
  form: 'value',
  value: 'TEXT',
  doc: 'what to say about it',
};

/** Options that every speaking command takes. */
export const speakingOptions: readonly SpeakingOption[] = [
  {
    name: 'task-id',
    form: 'value',
    value: 'ID',
    variable: 'KERUTA_TASK_ID',
    doc: 'the task that is spoken about',
  },
  { name: 'api-url', form: 'value', value: 'URL', variable: 'KERUTA_API_URL', doc: 'address of the API' },
  {
    name: 'log-level',
    form: 'value',
    value: 'LEVEL',
    otherwise: 'INFO',
    variable: 'KERUTA_LOG_LEVEL',
    doc: 'how much keruta says about itself: DEBUG, INFO, WARN, ERROR',
  },
  {
    name: 'strict',
    form: 'flag',
    otherwise: 'off',
    doc: 'exit 6 when the API is away, instead of keeping the request for later',
  },
  { name: 'json', form: 'flag', otherwise: 'off', doc: 'print the answer as JSON' },
  { name: 'verbose', form: 'flag', otherwise: 'off', doc: 'say more on stderr' },
];

/** The table. */
export const speakingCommands: readonly SpeakingCommand[] = [
  {
    name: 'start',
    purpose: 'Says that the task has begun.',
    positionals: [],
    options: [message],
    examples: ['keruta start --message "loading"'],
  },
  {
    name: 'progress',
    purpose: 'Says how far the task is.',
    positionals: ['percentage'],
    options: [message],
    examples: ['keruta progress 50 --message "half of the rows"'],
  },
  {
    name: 'success',
    purpose: 'Says that the task has reached its aim. A later non-zero exit still makes it FAILED.',
    positionals: [],
    options: [
      message,
      {
        name: 'artifacts-dir',
        form: 'value',
        value: 'DIR',
        variable: 'KERUTA_ARTIFACTS_DIR',
        doc: 'directory whose files are collected',
      },
    ],
    examples: ['keruta success --message "all rows written"'],
  },
  {
    name: 'fail',
    purpose: 'Says that the task has failed. A later exit 0 does not undo it.',
    positionals: [],
    options: [
      message,
      { name: 'error-code', form: 'value', value: 'CODE', doc: 'a short code that programs can match' },
      {
        name: 'auto-fix',
        form: 'flag',
        otherwise: 'as set for the agent',
        variable: 'KERUTA_AUTO_FIX_ENABLED',
        doc: 'whether a fix task is made',
      },
      {
        name: 'retry-after',
        form: 'value',
        value: 'DURATION',
        doc: 'least time before the next run, if there is one; bare numbers are seconds',
      },
    ],
    examples: ['keruta fail --message "no database" --error-code DB_CONNECTION_ERROR'],
  },
  {
    name: 'log',
    purpose: 'Adds a structured line to the log of the task. The message may also come from stdin.',
    positionals: ['level', 'message?'],
    options: [],
    examples: ['keruta log INFO "query took 3 s"', 'df -h | keruta log DEBUG'],
  },
  {
    name: 'ask',
    purpose: 'Puts a question to people, waits for the answer and prints it.',
    positionals: ['question'],
    options: [
      { name: 'choices', form: 'value', value: 'A,B', doc: 'the answers that are allowed' },
      { name: 'default', form: 'value', value: 'TEXT', doc: 'the answer when nobody answers in time' },
      {
        name: 'timeout',
        form: 'value',
        value: 'DURATION',
        otherwise: '1h',
        doc: 'how long to wait; bare numbers are seconds',
      },
      { name: 'secret', form: 'flag', otherwise: 'off', doc: 'the answer is not shown and not logged' },
    ],
    examples: ['keruta ask "Deploy now?" --choices yes,no --default no --timeout 10m'],
  },
];

/** A command line that was understood. */
export interface Spoken {
  readonly command: SpeakingCommand;
  readonly positionals: readonly string[];
  readonly values: Readonly<Record<string, string>>;
  readonly flags: Readonly<Record<string, boolean>>;
}

/**
 * Reads a command line of a speaking command. Values are not judged here.
 * @returns null when it is no such command, or asks for help, or has a word that is not in the table: then the full
 * command line has to say what is wrong
 */
export function parseSpoken(argv: readonly string[]): Spoken | null {
  const command = speakingCommands.find((one) => one.name === argv[0]);
  // a command of two words of its own, and no level
  if (!command || (argv[0] === 'log' && argv[1] === 'verify')) return null;
  const options = [...command.options, ...speakingOptions];
  const positionals: string[] = [];
  const values: Record<string, string> = {};
  const flags: Record<string, boolean> = {};
  for (let index = 1; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (word === '--') {
      for (const plain of argv.slice(index + 1)) positionals.push(plain);
      break;
    }
    if (!word.startsWith('-') || word === '-' || /^-\d/.test(word)) {
      positionals.push(word);
      continue;
    }
    const [, name = '', inline] = /^--([a-z-]+)(?:=([\s\S]*))?$/.exec(word) ?? [];
    const option = options.find(
      (one) => one.name === name || (one.form === 'flag' && `no-${one.name}` === name),
    );
    if (!option) return null;
    if (option.form === 'flag') {
      if (inline !== undefined) return null;
      flags[option.name] = name === option.name;
      continue;
    }
    const value = inline ?? argv[++index];
    if (value === undefined) return null;
    values[option.name] = value;
  }
  const least = command.positionals.filter((one) => !one.endsWith('?')).length;
  if (positionals.length < least || positionals.length > command.positionals.length) return null;
  return { command, positionals, values, flags };
}

/**
 * Reads a percentage.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE unless it is a whole number from 0 to 100, with or without `%`
 */
export function parsePercentage(text: string): number {
  const number = /^\d{1,3}%?$/.test(text) ? Number.parseInt(text, 10) : Number.NaN;
  if (number >= 0 && number <= 100) return number;
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `percentage: expected a whole number from 0 to 100, got "${text}"; try: keruta progress 50`,
  );
}

/**
 * Reads a level of the log command.
 * @throws {InputError} KERUTA_ERR_BAD_LEVEL
 */
export function parseLevel(text: string): string {
  const level = parseLogLevel(text);
  if (level !== null) return level;
  throw new InputError(
    'KERUTA_ERR_BAD_LEVEL',
    `level: expected DEBUG, INFO, WARN or ERROR, got "${text}"; try: keruta log INFO "message"`,
  );
}
