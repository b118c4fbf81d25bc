/** What `task add` and `run` have in common: where the script comes from, and what the task is asked for. */
import { readFileSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { ApiClient } from '../../../internal/api/client/client.ts';
import type { NewTaskBody } from '../../../internal/api/requests.ts';
import type { SessionWire } from '../../../internal/api/shapes.ts';
import { InputError, NotFoundError } from '../../../internal/domain/errors.ts';
import { maxScriptBytes } from '../../../internal/domain/task.ts';
import type { CommandContext, OptionMap } from '../command.ts';
import type { ContextWish } from './context-body.ts';
import { findTask } from './find.ts';

/** Options of both. */
export const submitOptions = {
  command: {
    kind: 'string',
    short: 'c',
    placeholder: 'LINE',
    doc: 'a command line, in place of a script file',
  },
  file: {
    kind: 'path',
    short: 'f',
    placeholder: 'FILE',
    doc: 'what is wanted (YAML or JSON), in place of a script: a coding agent or a playbook does it; - reads stdin',
  },
  kind: {
    kind: 'enum',
    choices: ['agent', 'playbook'],
    doc: 'who does what --file says (default: a playbook when it names one, else a coding agent)',
  },
  name: { kind: 'string', doc: 'name of the task (default: the file’s, or the command line)' },
  session: {
    kind: 'string',
    aliases: ['session-id'],
    placeholder: 'SESSION',
    doc: 'session to add it to: name, id or beginning of an id (KERUTA_SESSION_ID; default `default`)',
  },
  description: { kind: 'string', doc: 'what it is for' },
  priority: { kind: 'int', range: [-1_000_000, 1_000_000], doc: 'higher runs first (default 0)' },
  param: {
    kind: 'list',
    placeholder: 'NAME=VALUE',
    doc: 'a parameter of the script; may be given more than once',
  },
  params: { kind: 'string', placeholder: 'JSON', doc: 'parameters as a JSON object' },
  ref: { kind: 'string', placeholder: 'REF', doc: 'branch, tag or commit to check out' },
  timeout: { kind: 'duration', doc: 'longest run' },
  'no-output-timeout': { kind: 'duration', doc: 'longest silence' },
  retries: {
    kind: 'int',
    range: [0, 100],
    aliases: ['retry-count'],
    doc: 'how often it is tried again after a failure (default 0)',
  },
  'retry-delay': {
    kind: 'duration',
    doc: 'how long to wait before the second run, then twice as long each time, up to 1h (default: not at all)',
  },
  'retry-backoff': {
    kind: 'enum',
    choices: ['fixed', 'exponential'],
    doc: 'whether the wait grows (default exponential)',
  },
  'retry-exit-code': {
    kind: 'list',
    placeholder: 'CODE',
    doc: 'an exit code that is worth another run; may be given more than once (default: any but 0)',
  },
  deadline: { kind: 'duration', doc: 'longest time for all runs together, from now on' },
  needs: {
    kind: 'list',
    placeholder: 'TASK',
    doc: 'a task that must succeed before this one is run; may be given more than once',
  },
  input: { kind: 'enum', choices: ['none', 'wait'], doc: 'whether its stdin is empty or waits for answers' },
  'input-timeout': { kind: 'duration', doc: 'longest wait for an answer' },
  'auto-fix': { kind: 'bool', doc: 'whether a failure begets a fix task; --no-auto-fix: never' },
} as const satisfies OptionMap;

/** Values of {@link submitOptions}, as far as they were given. */
export interface SubmitValues {
  readonly command?: string | undefined;
  readonly file?: string | undefined;
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly priority?: number | undefined;
  readonly param?: readonly string[] | undefined;
  readonly params?: string | undefined;
  readonly ref?: string | undefined;
  readonly timeout?: number | undefined;
  readonly 'no-output-timeout'?: number | undefined;
  readonly retries?: number | undefined;
  readonly 'retry-delay'?: number | undefined;
  readonly 'retry-backoff'?: string | undefined;
  readonly 'retry-exit-code'?: readonly string[] | undefined;
  readonly deadline?: number | undefined;
  readonly needs?: readonly string[] | undefined;
  readonly input?: string | undefined;
  readonly 'input-timeout'?: number | undefined;
  readonly 'auto-fix'?: boolean | undefined;
}

/** A task as it was asked for; `wish`: what its file says besides, null for a script. */
export interface TaskBody {
  readonly body: NewTaskBody;
  readonly wish: ContextWish | null;
}

/**
 * Makes the body of a new task.
 *
 * @param file  the positional: a script file, or `-` for stdin
 * @throws {InputError} KERUTA_ERR_USAGE, KERUTA_ERR_BAD_VALUE, KERUTA_ERR_SCRIPT_EMPTY, KERUTA_ERR_SCRIPT_TOO_LARGE
 * @throws {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND
 */
export async function taskBody(
  context: CommandContext,
  file: string | undefined,
  values: SubmitValues,
): Promise<TaskBody> {
  const wish = values.file === undefined ? null : await contextWish(context, file, values);
  const script = wish === null ? checkScript(await readScript(context, file, values.command)) : '';
  const fallback = wish?.body.name ?? values.command ?? (file === '-' ? 'stdin' : basename(file ?? ''));
  const seconds = (ms: number | undefined) => (ms === undefined ? null : ms / 1000);
  const body: NewTaskBody = {
    name: values.name ?? fallback.split('\n')[0]?.slice(0, 200) ?? 'task',
    script,
    ...(wish === null ? {} : { kind: wish.body.kind, context: wish.body.context }),
    description: values.description ?? null,
    priority: values.priority ?? null,
    parameters: { ...wish?.body.parameters, ...parametersOf(values) },
    ref: values.ref ?? wish?.body.ref ?? null,
    timeoutSeconds: seconds(values.timeout),
    noOutputTimeoutSeconds: seconds(values['no-output-timeout']),
    retryCount: values.retries ?? null,
    retry: retryOf(values),
    input: (values.input as 'none' | 'wait' | undefined) ?? null,
    inputTimeoutSeconds: seconds(values['input-timeout']),
    autoFix: values['auto-fix'] ?? null,
  };
  return { body, wish };
}

async function contextWish(
  context: CommandContext,
  file: string | undefined,
  values: SubmitValues,
): Promise<ContextWish> {
  if (file !== undefined || values.command !== undefined)
    throw new InputError('KERUTA_ERR_USAGE', 'expected a script, or what is wanted by --file; got both');
  const { readContextWish } = await import('./context-body.ts');
  return readContextWish(context, values.file ?? '', values.kind);
}

/** How it is tried again, as far as that was said; without it, at once. */
function retryOf(values: SubmitValues): NewTaskBody['retry'] {
  const { 'retry-delay': delay, 'retry-backoff': backoff, 'retry-exit-code': codes, deadline } = values;
  if (delay === undefined && backoff === undefined && codes === undefined && deadline === undefined)
    return null;
  return {
    backoff: (backoff as 'fixed' | 'exponential' | undefined) ?? null,
    // a backoff alone has the wait of the server; codes or a deadline alone have none
    delaySeconds: delay === undefined ? (backoff === undefined ? 0 : null) : delay / 1000,
    exitCodes: codes?.map(readExitCode) ?? null,
    deadlineSeconds: deadline === undefined ? null : deadline / 1000,
  };
}

function readExitCode(text: string): number {
  const code = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (code >= 1 && code <= 255) return code;
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `--retry-exit-code: expected a number from 1 to 255, got "${text}"`,
  );
}

async function readScript(
  context: CommandContext,
  file: string | undefined,
  line: string | undefined,
): Promise<string> {
  if (line !== undefined && file !== undefined) {
    throw new InputError(
      'KERUTA_ERR_USAGE',
      `expected a script or --command, got both ("${file}" and a command line)`,
    );
  }
  if (line !== undefined) return line;
  if (file === undefined) {
    throw new InputError(
      'KERUTA_ERR_USAGE',
      "expected a script file, - for stdin, or -c 'command line'; got none of them",
    );
  }
  if (file !== '-') return readFile(resolve(context.cwd, file), file);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of context.stdin) {
    size += chunk.length;
    if (size > maxScriptBytes) throw tooLarge(size);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readFile(path: string, named: string): string {
  try {
    const found = statSync(path);
    if (!found.isFile())
      throw new InputError('KERUTA_ERR_BAD_VALUE', `${named} is not a regular file; expected a script`);
    if (found.size > maxScriptBytes) throw tooLarge(found.size);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    const hint = /\s/.test(named) ? `; for a command line use -c '${named}'` : '';
    throw new NotFoundError(
      'KERUTA_ERR_FILE_NOT_FOUND',
      `the script ${named} cannot be read: ${code}${hint}`,
      { cause },
    );
  }
}

function checkScript(script: string): string {
  if (script.trim() === '') {
    throw new InputError('KERUTA_ERR_SCRIPT_EMPTY', 'the script is empty; expected at least one command');
  }
  const size = Buffer.byteLength(script);
  if (size > maxScriptBytes) throw tooLarge(size);
  return script;
}

function tooLarge(size: number): InputError {
  return new InputError(
    'KERUTA_ERR_SCRIPT_TOO_LARGE',
    `the script has ${size} bytes or more; at most 1 MiB is taken. Put data into the repository`,
  );
}

/**
 * Reads the parameters of a script: `--params` first, then each `--param`.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE
 */
export function parametersOf(values: Pick<SubmitValues, 'param' | 'params'>): Record<string, unknown> {
  const parameters: Record<string, unknown> = {};
  if (values.params !== undefined) {
    const parsed = parseObject(values.params);
    if (!parsed)
      throw new InputError(
        'KERUTA_ERR_BAD_VALUE',
        `--params: expected a JSON object, got "${values.params.slice(0, 100)}"`,
      );
    Object.assign(parameters, parsed);
  }
  for (const pair of values.param ?? []) {
    const at = pair.indexOf('=');
    if (at < 1) throw new InputError('KERUTA_ERR_BAD_VALUE', `--param: expected NAME=VALUE, got "${pair}"`);
    parameters[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return parameters;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/**
 * The ids of the tasks that a new one waits for: those of `--needs`, and those that its file calls dependencies.
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND; {InputError} when the beginning of an id is that of several
 */
export async function findNeeds(
  context: CommandContext,
  client: ApiClient,
  asked: {
    readonly values: Pick<SubmitValues, 'needs'>;
    readonly wish: ContextWish | null;
    readonly session: SessionWire;
  },
): Promise<string[]> {
  const { values, wish, session } = asked;
  const named = await Promise.all(
    (values.needs ?? []).map(async (id) => (await findTask(context, client, id)).id),
  );
  if (wish === null) return named;
  const { checkRepository, findDependencies } = await import('./context-body.ts');
  checkRepository(wish, session);
  const { dependencies } = wish;
  return [...new Set([...named, ...(await findDependencies(context, client, { dependencies, session }))])];
}
