/** Help texts, made from the data of the commands. */
import { settingsTable } from '../../internal/config/table.ts';
import { formatValue } from '../../internal/config/value.ts';
import type { Style } from '../../pkg/terminal/style.ts';
import { widthOf } from '../../pkg/terminal/text.ts';
import type { AnyCommand, CommandOption, CommandPositional, OptionMap } from './command.ts';
import { globalOptions } from './options.ts';
import { ruleOf, usageOf } from './read-line.ts';

/** How a help text looks. */
export interface HelpLook {
  readonly style: Style;
  /** width of the terminal */
  readonly columns: number;
}

/** Exit statuses of every command. */
export const commonExits: Readonly<Record<number, string>> = {
  0: 'done',
  2: 'the command line, a value or a setting is wrong',
  3: 'not allowed: no token, or one that may not do this',
  4: 'there is no such session, task, file or address',
  5: 'it is there, but not in a state that allows this',
  6: 'the API cannot be reached now; safe to repeat',
  70: 'a fault in keruta itself',
};

/** The help of one command. */
export function commandHelp(command: AnyCommand, look: HelpLook): string {
  const { style } = look;
  const title = (text: string) => style.bold(text);
  const own = Object.keys(command.options).length > 0;
  const positionals = usageOf(command);
  const lines = [
    command.summary,
    '',
    `${title('Usage:')} keruta ${command.name} [options]${positionals === '' ? '' : ` ${positionals}`}`,
  ];
  if (command.description) lines.push('', ...wrap(command.description, look.columns));
  if (positionals !== '') {
    const rows = Object.entries(command.positionals).map(
      ([name, positional]) => [name, positionalDoc(positional)] as const,
    );
    lines.push('', title('Arguments:'), ...definitions(rows, look));
  }
  if (own) lines.push('', title('Options:'), ...optionLines(command.options, look));
  const rest = Object.fromEntries(
    Object.entries(globalOptions).filter(([name]) => !(name in command.options)),
  );
  lines.push('', title(own ? 'Options of every command:' : 'Options:'), ...optionLines(rest, look));
  lines.push('', title(command.examples.length === 1 ? 'Example:' : 'Examples:'));
  lines.push(...command.examples.map((example) => `  $ ${example}`));
  const exits = Object.entries({ ...commonExits, ...command.exits });
  lines.push('', title('Exit status:'), ...definitions(exits, look));
  return `${lines.join('\n')}\n`;
}

/** The help of everything, or of one group such as `task`. @param group `''` for everything */
export function listHelp(commands: readonly AnyCommand[], group: string, look: HelpLook): string {
  const shown = commands.filter((one) => !one.hidden && (group === '' || one.name.startsWith(`${group} `)));
  const { style } = look;
  const lines =
    group === ''
      ? ['keruta runs the tasks of a dev workspace: server, agent and task commands in one executable.', '']
      : [];
  lines.push(`${style.bold('Usage:')} keruta ${group === '' ? '' : `${group} `}<command> [options]`, '');
  for (const section of group === '' ? sections : [{ title: 'Commands', of: () => true }]) {
    const rows = shown.filter((one) => section.of(one.name)).map((one) => [one.name, one.summary] as const);
    if (rows.length > 0) lines.push(style.bold(`${section.title}:`), ...definitions(rows, look), '');
  }
  lines.push(style.bold('Options of every command:'), ...optionLines(globalOptions, look));
  if (group === '') lines.push(...definitions([['    --version          ', 'show the version']], look));
  lines.push('', style.bold('Examples:'));
  const examples = group === '' ? rootExamples : shown.flatMap((one) => one.examples.slice(0, 1));
  lines.push(...examples.map((example) => `  $ ${example}`));
  lines.push('', style.bold('Exit status:'), ...definitions(Object.entries(commonExits), look));
  lines.push('', `More about one command: keruta ${group === '' ? '' : `${group} `}<command> --help`);
  return `${lines.join('\n')}\n`;
}

const inGroups =
  (...groups: readonly string[]) =>
  (name: string) =>
    groups.includes(name.split(' ')[0] ?? '');

const sections = [
  { title: 'Run it', of: inGroups('up', 'server', 'daemon', 'db') },
  {
    title: 'Work with sessions and tasks',
    of: inGroups('run', 'session', 'task', 'agent', 'slot', 'undo', 'replay', 'runner', 'token'),
  },
  {
    title: 'Have tasks start by themselves',
    of: inGroups(
      'apply',
      'workflow',
      'trigger',
      'schedule',
      'cron',
      'dev',
      'deploy',
      'call',
      'playbook',
      'skill',
    ),
  },
  {
    title: 'Limit what starts by itself, and see what it did',
    of: inGroups('policy', 'approval', 'breaker', 'pause', 'resume', 'ledger', 'audit', 'notify'),
  },
  {
    title: 'In a script, about its own task',
    of: inGroups(
      'start',
      'progress',
      'success',
      'fail',
      'log',
      'ask',
      'artifact',
      'redact',
      'cost',
      'execute',
    ),
  },
  { title: 'About keruta itself', of: inGroups('config', 'doctor', 'health', 'completion', 'version') },
];

const rootExamples = [
  'keruta up',
  "keruta run -c 'make test'",
  'keruta task list',
  'keruta task logs -f 3f2a',
];

/** Name and placeholder of an option as the help shows them: `-v, --verbose`, `    --port PORT`. */
export function optionTitle(name: string, option: CommandOption): string {
  const letter = option.short ? `-${option.short}, ` : '    ';
  const isOn = option.kind === 'bool' && option.default === true;
  const value = option.kind === 'bool' ? '' : ` ${option.placeholder ?? placeholders[option.kind]}`;
  return `${letter}--${isOn ? 'no-' : ''}${name}${value}`;
}

const placeholders: Readonly<Record<CommandOption['kind'], string>> = {
  string: 'TEXT',
  url: 'URL',
  path: 'PATH',
  duration: 'TIME',
  size: 'SIZE',
  int: 'N',
  bool: '',
  enum: 'WORD',
  list: 'A,B',
};

/** What the help says about an option: doc, choices, default, variables. */
export function optionDoc(option: CommandOption): string {
  const row = option.setting ? settingsTable[option.setting] : undefined;
  const fallback = option.default ?? row?.default ?? null;
  const notes = [
    ...(option.choices ? [`one of ${option.choices.join(', ')}`] : []),
    ...(fallback === null || fallback === false || fallback === true
      ? row?.defaultDoc
        ? [`default ${row.defaultDoc}`]
        : []
      : [`default ${formatValue(option.kind, fallback)}`]),
    ...(option.default === true ? ['default on'] : []),
    ...(row && row.variables.length > 0
      ? [[...row.variables, ...(row.serverVariables ?? [])].join(', ')]
      : []),
  ];
  return notes.length === 0 ? option.doc : `${option.doc} (${notes.join('; ')})`;
}

function positionalDoc(positional: CommandPositional): string {
  const rule = ruleOf(positional);
  const range = positional.range ? [`${positional.range[0]} to ${positional.range[1]}`] : [];
  const notes = [...(rule.choices ? [`one of ${rule.choices.join(', ')}`] : []), ...range];
  return notes.length === 0 ? positional.doc : `${positional.doc} (${notes.join('; ')})`;
}

function optionLines(options: OptionMap, look: HelpLook): string[] {
  const rows = Object.entries(options).map(
    ([name, option]) => [optionTitle(name, option), optionDoc(option)] as const,
  );
  return definitions(rows, look);
}

/** Two columns: names, and their texts wrapped beside them. */
function definitions(rows: readonly (readonly [string, string])[], look: HelpLook): string[] {
  const widest = Math.min(28, Math.max(...rows.map(([name]) => widthOf(name))));
  const indent = ' '.repeat(widest + 4);
  return rows.flatMap(([name, text]) => {
    const lines = wrap(text, look.columns - indent.length);
    const head = `  ${look.style.cyan(name)}`;
    if (widthOf(name) > widest) return [head, ...lines.map((line) => indent + line)];
    const space = ' '.repeat(widest - widthOf(name) + 2);
    return [head + space + (lines[0] ?? ''), ...lines.slice(1).map((line) => indent + line)];
  });
}

function wrap(text: string, columns: number): string[] {
  const width = Math.max(30, columns);
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = [];
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && widthOf(line) + widthOf(word) + 1 > width) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    return [...lines, line];
  });
}
