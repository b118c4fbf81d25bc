import { readFileSync } from 'node:fs';
import type { RunContext, Source } from '../../../lib/src/types.ts';
import { type CommandContext, command } from '../command.ts';

/** `keruta call` */
export const call = command({
  name: 'call',
  summary: 'Runs one function of a file that uses the library, as its tasks do.',
  description:
    'Inside a task the function gets the event, the parameters and the number of the attempt; by hand, what fails is repeated ' +
    'here as the file says. What it returns is printed. ' +
    'When it fails for the last time, the handlers of schedule.onError run, and the exit status is 1.',
  positionals: {
    file: { doc: 'a file in TypeScript or JavaScript' },
    function: { doc: 'its name, or the name that it is exported by' },
  },
  options: {
    input: { kind: 'string', doc: 'payload or path to call it with, in JSON', placeholder: 'JSON' },
  },
  examples: [
    'keruta call automation.ts morningReport',
    'keruta call automation.ts onPush --input \'{"commits":[]}\'',
  ],
  exits: { 1: 'the function failed' },
  run: async (context, values) => {
    const { importFile } = await import('../library/import-file.ts');
    const { namedUnit } = await import('../library/units.ts');
    const { runUnit } = await import('../../../lib/src/run-unit.ts');
    const file = await importFile(values.file, { cwd: context.cwd, onlyDescribes: true });
    const unit = namedUnit(file, values.function);
    const about = aboutTask(context);
    const given = values.input === undefined ? about : { ...about, input: readInput(values.input) };
    const parts = { time: context.clock, table: file.table };
    const record = await runUnit(parts, { unit, signal: context.signal, ...given });
    if (record.status === 'completed') {
      const { result } = record;
      const text = typeof result === 'string' && !context.json ? result : JSON.stringify(result);
      if (text !== undefined) await context.stdout.write(`${text}\n`);
      return 0;
    }
    await context.stderr.write(`${unit.name} failed: ${record.error}\n`);
    return 1;
  },
});

interface AboutTask {
  readonly source: Source;
  readonly dueAt: number;
  readonly attempt?: number;
  readonly parameters: RunContext['parameters'];
  readonly event: string;
  readonly input?: unknown;
}

/** What the environment of a task says of what fired it; a run by hand where there is none. */
function aboutTask({ env, clock }: CommandContext): AboutTask {
  const event = readFile(env.KERUTA_EVENT_FILE) as EventFile | null;
  const parameters = (readFile(env.KERUTA_PARAMETERS_FILE) ?? {}) as RunContext['parameters'];
  const at = Date.parse(event?.nominalAt ?? env.KERUTA_NOMINAL_AT ?? '');
  return {
    source: sourceOf(event?.source ?? env.KERUTA_TRIGGER_TYPE ?? 'manual'),
    dueAt: Number.isNaN(at) ? clock.now() : at,
    parameters,
    event: event?.kind ?? '',
    // in a task the server repeats, by hand it is done here
    ...(env.KERUTA_ATTEMPT ? { attempt: Math.max(1, Number(env.KERUTA_ATTEMPT) || 1) } : {}),
    ...inputOf(event),
  };
}

interface EventFile {
  readonly source?: string;
  readonly kind?: string;
  readonly nominalAt?: string;
  readonly data?: Readonly<Record<string, unknown>> | null;
}

/** A payload is what came as the body; a file is its path. */
function inputOf(event: EventFile | null): { readonly input?: unknown } {
  const data = event?.data;
  if (data === null || data === undefined) return {};
  if (event?.source === 'file' && typeof data.path === 'string') return { input: data.path };
  return { input: 'body' in data ? data.body : data };
}

function sourceOf(text: string): Source {
  const sources = ['cron', 'interval', 'webhook', 'file'] as const;
  if (text === 'github') return 'webhook';
  return sources.find((source) => source === text) ?? 'manual';
}

function readFile(path: string | undefined): unknown {
  return path ? JSON.parse(readFileSync(path, 'utf8')) : null;
}

function readInput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // a path or a word needs no quotes
    return text;
  }
}
