/** Completion scripts for shells, made from the command list. They call nothing and need no configuration. */
import type { AnyCommand, CommandOption } from './command.ts';
import { allOptions } from './options.ts';

/** One command as the scripts need it. */
interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly Choice[];
  /** words that may stand as the first argument */
  readonly words: readonly string[];
}

interface Choice {
  readonly name: string;
  readonly doc: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
  readonly isPath: boolean;
}

/** Writes the script of one shell. */
export function completionScript(shell: 'bash' | 'zsh' | 'fish', commands: readonly AnyCommand[]): string {
  const entries = commands.filter((one) => !one.hidden).map(entryOf);
  const write = { bash: bashScript, zsh: zshScript, fish: fishScript }[shell];
  return write(entries);
}

function entryOf(command: AnyCommand): Entry {
  const first = Object.values(command.positionals)[0];
  return {
    name: command.name,
    summary: command.summary.replace(/\.$/, ''),
    options: Object.entries(allOptions(command.options)).map(([name, option]) => choiceOf(name, option)),
    words: first?.choices ?? [],
  };
}

function choiceOf(name: string, option: CommandOption): Choice {
  const isOn = option.kind === 'bool' && option.default === true;
  return {
    name: `--${isOn ? 'no-' : ''}${name}`,
    doc: option.doc,
    takesValue: option.kind !== 'bool',
    choices: option.choices ?? [],
    isPath: option.kind === 'path',
  };
}

/** First words, each once, and the second words of each group. */
function tree(entries: readonly Entry[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { name } of entries) {
    const [first = '', second] = name.split(' ');
    const seconds = groups.get(first) ?? [];
    groups.set(first, second === undefined ? seconds : [...seconds, second]);
  }
  return groups;
}

function bashScript(entries: readonly Entry[]): string {
  const groups = tree(entries);
  const subwords = [...groups].filter(([, seconds]) => seconds.length > 0);
  const optionCases = entries.map((entry) => {
    const words = [...entry.options.map((option) => option.name), ...entry.words].join(' ');
    return `    '${entry.name}') words='${words}' ;;`;
  });
  const valueCases = new Map<string, string>();
  for (const option of entries.flatMap((entry) => entry.options)) {
    if (option.choices.length > 0) valueCases.set(option.name, `words='${option.choices.join(' ')}'`);
    // of options of one name, the one that knows its words tells them
    else if (option.takesValue && !valueCases.get(option.name)?.startsWith('words=')) {
      valueCases.set(
        option.name,
        option.isPath ? 'COMPREPLY=($(compgen -f -- "$current")); return' : 'return',
      );
    }
  }
  return `# completion of keruta for bash
_keruta() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local first='' second='' name='' words='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case \${COMP_WORDS[index]} in
      -*) ;;
      *) if [[ -z $first ]]; then first=\${COMP_WORDS[index]}; elif [[ -z $second ]]; then second=\${COMP_WORDS[index]}; fi ;;
    esac
  done
  COMPREPLY=()
  case $previous in
${[...valueCases].map(([name, action]) => `    ${name}) ${action} ;;`).join('\n')}
  esac
  if [[ -n $words ]]; then COMPREPLY=($(compgen -W "$words" -- "$current")); return; fi
  name=$first
  case $first in
    '') words='${[...groups.keys()].join(' ')} --help --version' ;;
${subwords.map(([first, seconds]) => `    ${first}) if [[ -n $second && ' ${seconds.join(' ')} ' == *" $second "* ]]; then name="$first $second"; else words='${seconds.join(' ')}'; fi ;;`).join('\n')}
  esac
  if [[ $current == -* || -z $words ]]; then
    case $name in
${optionCases.join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ \${#COMPREPLY[@]} -eq 0 && $current != -* ]]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -F _keruta keruta keruta-agent
`;
}

function zshScript(entries: readonly Entry[]): string {
  const groups = tree(entries);
  const summaries = new Map(entries.map((entry) => [entry.name, entry.summary]));
  const describe = (names: readonly string[], prefix: string) =>
    names
      .map((name) => zshQuote(`${name}:${colonless(summaries.get(prefix + name) ?? `${name} …`)}`))
      .join(' ');
  const seconds = [...groups]
    .filter(([, names]) => names.length > 0)
    .map(([first, names]) => `    ${first}) seconds=(${describe(names, `${first} `)}) ;;`);
  const options = entries.map((entry) => {
    const specs = entry.options.map(zshSpec).join(' ');
    const words = entry.words.length > 0 ? ` '1:word:(${entry.words.join(' ')})'` : '';
    return `    ${zshQuote(entry.name)}) _arguments -S ${specs}${words} '*:file:_files' ;;`;
  });
  return `#compdef keruta keruta-agent
# completion of keruta for zsh
_keruta() {
  local -a firsts seconds
  local name shift_by=1
  firsts=(${describe([...groups.keys()], '')})
  if (( CURRENT == 2 )); then _describe command firsts; return; fi
  case $words[2] in
${seconds.join('\n')}
  esac
  name=$words[2]
  if (( \${#seconds} )); then
    if (( CURRENT == 3 )) && [[ $words[3] != -* ]]; then _describe command seconds; return; fi
    if [[ -n "\${(M)seconds:#\${words[3]}:*}" ]]; then name="$words[2] $words[3]"; shift_by=2; fi
  fi
  shift $shift_by words
  (( CURRENT -= shift_by ))
  case $name in
${options.join('\n')}
  esac
}
if [[ $funcstack[1] == _keruta ]]; then _keruta "$@"; else compdef _keruta keruta keruta-agent; fi
`;
}

function zshSpec(option: Choice): string {
  const doc = option.doc.replace(/[[\]:]/g, ' ');
  if (!option.takesValue) return zshQuote(`${option.name}[${doc}]`);
  const action = option.isPath ? '_files' : option.choices.length > 0 ? `(${option.choices.join(' ')})` : ' ';
  return zshQuote(`${option.name}=[${doc}]:value:${action}`);
}

const colonless = (text: string) => text.replaceAll(':', ' ');
const zshQuote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

function fishScript(entries: readonly Entry[]): string {
  const groups = tree(entries);
  const lines = ['# completion of keruta for fish', 'complete -c keruta -f'];
  const summaries = new Map(entries.map((entry) => [entry.name, entry.summary]));
  for (const [first, seconds] of groups) {
    const doc = fishQuote(summaries.get(first) ?? `${first} …`);
    lines.push(`complete -c keruta -n __fish_use_subcommand -a ${first} -d ${doc}`);
    const notYet = `__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${seconds.join(' ')}`;
    for (const second of seconds) {
      const text = fishQuote(summaries.get(`${first} ${second}`) ?? second);
      lines.push(`complete -c keruta -n ${fishQuote(notYet)} -a ${second} -d ${text}`);
    }
  }
  for (const entry of entries) {
    const seen = entry.name.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
    const when = fishQuote(seen.join('; and '));
    for (const option of entry.options) {
      const value = !option.takesValue
        ? ''
        : option.isPath
          ? ' -r -F'
          : option.choices.length > 0
            ? ` -x -a ${fishQuote(option.choices.join(' '))}`
            : ' -x';
      lines.push(
        `complete -c keruta -n ${when} -l ${option.name.slice(2)}${value} -d ${fishQuote(option.doc)}`,
      );
    }
    if (entry.words.length > 0)
      lines.push(`complete -c keruta -n ${when} -a ${fishQuote(entry.words.join(' '))}`);
  }
  lines.push('complete -c keruta-agent -w keruta');
  return `${lines.join('\n')}\n`;
}

const fishQuote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
