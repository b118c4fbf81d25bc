/** What a task tells the function that it runs: what fired it, with which parameters, for the how manieth time. */
import { readFileSync } from 'node:fs';
import type { Unit } from '../../../lib/src/registry.ts';
import type { RunContext, Source } from '../../../lib/src/types.ts';
import type { CommandContext } from '../command.ts';

/** The part of a run that its task says. */
export interface AboutTask {
  readonly source: Source;
  /** epoch ms */
  readonly dueAt: number;
  /** absent by hand: what fails is repeated here then */
  readonly attempt?: number;
  readonly parameters: RunContext['parameters'];
  readonly event: string;
  /** payload or path; absent for what time fires */
  readonly input?: unknown;
}

type Parameters = RunContext['parameters'];
type Place = Pick<CommandContext, 'env' | 'clock'>;

/** An event as it stands in the file that `KERUTA_EVENT_FILE` names. */
interface EventFile {
  readonly source?: string;
  readonly kind?: string;
  readonly nominalAt?: string;
  readonly data?: Readonly<Record<string, unknown>> | null;
}

/** Reads the environment and the files of a task; a run by hand where there are none. */
export function aboutTask({ env, clock }: Place, unit: Pick<Unit, 'triggers'>): AboutTask {
  const event = readJson(env.KERUTA_EVENT_FILE) as EventFile | null;
  const parameters = readParameters(env);
  const at = Date.parse(event?.nominalAt ?? env.KERUTA_NOMINAL_AT ?? '');
  const source = sourceOf(event?.source ?? env.KERUTA_TRIGGER_TYPE ?? '');
  return {
    source,
    dueAt: Number.isNaN(at) ? clock.now() : at,
    parameters,
    event: eventName({ kind: event?.kind ?? '', source }, unit),
    ...(env.KERUTA_ATTEMPT ? { attempt: Math.max(1, Number(env.KERUTA_ATTEMPT) || 1) } : {}),
    ...(event?.data ? inputOf(source, event.data, parameters) : givenInput(unit, parameters)),
  };
}

/** The parameters of the task; none where there is no task. */
export function readParameters(env: Place['env']): Parameters {
  return (readJson(env.KERUTA_PARAMETERS_FILE) ?? {}) as Parameters;
}

/** The word of a server for what fired a task, as the library knows it. */
export function sourceOf(text: string): Source {
  const sources = ['cron', 'interval', 'webhook', 'file', 'email', 'task-end'] as const;
  if (text === 'github') return 'webhook';
  return sources.find((source) => source === text) ?? 'manual';
}

/** The payload of a webhook is what came as its body; a file is its path, several that changed together all paths. */
function inputOf(
  source: Source,
  data: Readonly<Record<string, unknown>>,
  { file_path: path }: Parameters,
): { readonly input: unknown } {
  if (source !== 'file') return { input: 'body' in data ? data.body : data };
  const paths = Array.isArray(data.paths) ? (data.paths as unknown[]) : [];
  return { input: path ?? data.path ?? (paths.length === 1 ? paths[0] : paths) };
}

/** Fired by hand, what takes a payload gets the parameters, and what takes a file the one that they name. */
function givenInput(
  { triggers }: Pick<Unit, 'triggers'>,
  parameters: Parameters,
): { readonly input?: unknown } {
  const takes = (type: string) => triggers.some((trigger) => trigger.type === type);
  if (takes('file')) return { input: parameters.file_path };
  return takes('webhook') ? { input: parameters } : {};
}

/** As it was written in `webhook.on`; what is not from there has the name that the sender gave it. */
function eventName(
  { kind, source }: { readonly kind: string; readonly source: Source },
  { triggers }: Pick<Unit, 'triggers'>,
): string {
  if (source !== 'webhook') return kind;
  const names = triggers.filter(({ type }) => type === 'webhook').map(({ path }) => String(path));
  return names.find((name) => name.endsWith(`.${kind}`)) ?? (names.length === 1 ? (names[0] ?? kind) : kind);
}

function readJson(path: string | undefined): unknown {
  return path ? JSON.parse(readFileSync(path, 'utf8')) : null;
}
