import type { RunRecord } from '../../../lib/src/types.ts';
import { type CommandContext, command } from '../command.ts';

/** `keruta call` */
export const call = command({
  name: 'call',
  summary: 'Runs one function of a file that uses the library, as its tasks do.',
  description:
    'Inside a task the function gets the event, the parameters and the number of the attempt, and what it returns or throws ' +
    'becomes the message of the task. By hand, what fails is repeated here as the file says, and after the last time the ' +
    'handlers of schedule.onError run. What it returns is printed.',
  positionals: {
    file: { doc: 'a file in TypeScript or JavaScript' },
    function: { doc: 'its name, or the name that it is exported by' },
  },
  options: {
    input: { kind: 'string', doc: 'payload or path to call it with, in JSON', placeholder: 'JSON' },
    'on-error': {
      kind: 'bool',
      doc: 'runs the handlers of schedule.onError instead, as the hook of the workflow after the last attempt',
      default: false,
    },
  },
  examples: [
    'keruta call automation.ts morningReport',
    'keruta call automation.ts onPush --input \'{"commits":[]}\'',
  ],
  exits: { 1: 'the function, or a handler, failed' },
  run: async (context, values) => {
    const { importFile } = await import('../library/import-file.ts');
    const { namedUnit } = await import('../library/units.ts');
    const { aboutTask } = await import('../library/about-task.ts');
    const { tellErrorOfTask } = await import('../library/tell-error.ts');
    const { runUnit } = await import('../../../lib/src/run-unit.ts');
    const file = await importFile(values.file, { cwd: context.cwd, onlyDescribes: true });
    const unit = namedUnit(file, values.function);
    if (values['on-error']) {
      const fault = await tellErrorOfTask(context, file, unit.name);
      if (fault !== '') await context.stderr.write(`${fault}\n`);
      return fault === '' ? 0 : 1;
    }
    const about = aboutTask(context, unit);
    const given = values.input === undefined ? about : { ...about, input: readInput(values.input) };
    const parts = { time: context.clock, table: file.table };
    const record = await runUnit(parts, { unit, signal: context.signal, ...given });
    await tellTask(context, record);
    if (record.status === 'completed') {
      const text = context.json ? JSON.stringify(record.result) : textOf(record.result);
      if (text !== undefined) await context.stdout.write(`${text}\n`);
      return 0;
    }
    await context.stderr.write(`${unit.name} failed: ${record.error}\n`);
    return 1;
  },
});

/** Longest message of a task; characters. */
const maxMessageLength = 4000;

/** Inside a run: the result, or the error and its name, is the last word of the task about itself. */
async function tellTask(
  context: CommandContext,
  { status, result, error, errorName }: RunRecord,
): Promise<void> {
  const { appendToMailbox, findRun } = await import('../task-commands/in-run.ts');
  const run = findRun(context.env);
  if (run === null) return;
  const text = (status === 'completed' ? textOf(result) : error) ?? '';
  const message = text === '' ? [] : ['--message', text.slice(0, maxMessageLength)];
  if (status === 'completed') appendToMailbox(run, ['success', ...message]);
  else appendToMailbox(run, ['fail', ...message, '--error-code', codeOf(errorName)]);
}

/** Names of errors are codes, such as `TypeError`, so that `retry.neverOn` can name them. */
function codeOf(errorName: string | null): string {
  return errorName !== null && /^[A-Za-z0-9_.-]{1,100}$/.test(errorName) ? errorName : 'Error';
}

function textOf(result: unknown): string | undefined {
  return typeof result === 'string' ? result : JSON.stringify(result);
}

function readInput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // a path or a word needs no quotes
    return text;
  }
}
