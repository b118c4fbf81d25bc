/** The speaking commands as the full command line knows them: made from the grammar, so that both say the same. */
import { isRetryable } from '../../../internal/api/retryable.ts';
import type { CommandOption, CommandPositional } from '../command.ts';
import { type AnyCommand, type CommandContext, command } from '../command.ts';
import { fromSetting } from '../options.ts';
import { type SpeakingCommand, type Spoken, speakingCommands } from './grammar.ts';
import { mailboxWords } from './in-run.ts';
import { placeOf } from './place.ts';
import { hasFiles, speak } from './speak.ts';

/** Options that are settings, and so have their place in the settings table. */
const settingOptions = {
  'task-id': fromSetting('taskId'),
  'artifacts-dir': fromSetting('artifactsDir'),
} as const;

/** Makes one speaking command. @param name of the table */
export function speakingCommand(name: SpeakingCommand['name']): AnyCommand {
  const row = speakingCommands.find((one) => one.name === name);
  if (!row) throw new Error(`no speaking command ${name}`);
  return command({
    name,
    summary: row.purpose,
    description:
      name === 'ask'
        ? 'Inside a run the question goes through the agent and survives its restart; outside, straight to the API.'
        : 'Inside a run the request goes through the agent and needs no API. Outside, when the API is away, it is kept and delivered by the next command or by the agent.',
    positionals: Object.fromEntries(row.positionals.map(positionalOf)),
    options: {
      ...Object.fromEntries(row.options.map(optionOf)),
      'task-id': settingOptions['task-id'],
      strict,
    },
    examples: row.examples,
    exits: name === 'ask' ? { 7: 'nobody answered in time, and there is no default' } : {},
    run: (context, values) => run(context, row, values as Readonly<Record<string, unknown>>),
  });
}

const strict: CommandOption = {
  kind: 'bool',
  doc: 'exit 6 when the API is away, instead of keeping the request for later',
};

function positionalOf(name: string): [string, CommandPositional] {
  const docs: Readonly<Record<string, string>> = {
    percentage: 'whole number from 0 to 100',
    level: 'DEBUG, INFO, WARN or ERROR',
    message: 'the text; without it, or as -, it is read from stdin',
    question: 'what to ask',
  };
  const plain = name.replace('?', '');
  return [plain, { doc: docs[plain] ?? plain, ...(name.endsWith('?') ? { optional: true } : {}) }];
}

function optionOf(option: SpeakingCommand['options'][number]): [string, CommandOption] {
  if (option.name === 'artifacts-dir') return [option.name, settingOptions['artifacts-dir']];
  const doc = option.otherwise ? `${option.doc} (else: ${option.otherwise})` : option.doc;
  const placeholder = option.value === undefined ? {} : { placeholder: option.value };
  return [option.name, { kind: option.form === 'flag' ? 'bool' : 'string', doc, ...placeholder }];
}

/** What an API gets that has just failed to answer; ms. */
const shortTimeoutMs = 100;

async function run(
  context: CommandContext,
  row: SpeakingCommand,
  given: Readonly<Record<string, unknown>>,
): Promise<number> {
  const texts = (names: readonly string[]) =>
    Object.fromEntries(
      names.filter((name) => given[name] !== undefined).map((name) => [name, String(given[name])]),
    );
  const flags = row.options.filter((option) => option.form === 'flag').map((option) => option.name);
  const spoken: Spoken = {
    command: row,
    positionals: row.positionals
      .map((name) => given[name.replace('?', '')])
      .filter((word) => word !== undefined)
      .map(String),
    values: texts(row.options.filter((option) => option.form === 'value').map((option) => option.name)),
    flags: {
      ...Object.fromEntries(
        flags.filter((name) => given[name] !== undefined).map((name) => [name, given[name] === true]),
      ),
      strict: given.strict === true,
      json: context.json,
    },
  };
  // a bad value is told before a missing task: it is wrong wherever the command runs
  if (row.name !== 'ask') mailboxWords(spoken);
  let place = await placeOf(context);
  if ('outside' in place) {
    const { outside } = place;
    const client =
      row.name === 'ask' || row.name === 'success' || row.name === 'fail' ? await context.makeClient() : null;
    const { askOutside, sendArtifacts } = await import('./outside-more.ts');
    if (client && row.name === 'ask') return askOutside(context, client, { spoken, ...outside });
    const { values } = await context.settings();
    if (client && row.name === 'success' && values.artifactsDir !== null && hasFiles(values.artifactsDir)) {
      await sendArtifacts(context, client, { ...outside, directory: values.artifactsDir });
    }
    if (client && row.name === 'fail' && spoken.flags['auto-fix'] && values.autoFix) {
      const failure = {
        errorMessage: outside.mask(spoken.values.message ?? ''),
        errorCode: outside.mask(spoken.values['error-code'] ?? ''),
      };
      try {
        await client.tasks.autoFix(outside.taskId, failure);
      } catch (error) {
        context.log.warn('no fix task was made', { error });
        // the API had its time; a second wait would be too long for a script
        if (isRetryable(error)) place = { outside: { ...outside, timeoutMs: shortTimeoutMs } };
      }
    }
  }
  return speak(
    {
      clock: context.clock,
      signal: context.signal,
      print: (line) => void context.stdout.write(`${line}\n`),
      warn: (line) => void context.stderr.write(`keruta: ${line}\n`),
      readInput: () => readAll(context.stdin),
    },
    spoken,
    place,
  );
}

async function readAll(input: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
