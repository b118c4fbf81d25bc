/** The environment contract of a task: what its script finds in its environment. Pure. */
import { settingsTable } from '../config/table.ts';
import { InputError } from '../domain/errors.ts';
import { parameterText, parameterVariable } from '../domain/parameter-variable.ts';

/** Longest `NAME=value` that the kernel takes in one string; bytes, with its end. @see execve(2), MAX_ARG_STRLEN */
export const maxVariableBytes = 128 * 1024 - 1;

/** What the environment is made from. */
export interface EnvironmentSource {
  /** the agent's own, as it was when it started */
  readonly inherited: Readonly<Record<string, string | undefined>>;
  /** names of it that are handed to no task; default none */
  readonly withheld?: readonly string[];
  readonly task: {
    readonly id: string;
    readonly name: string;
    readonly sessionId: string;
    readonly parameters: Readonly<Record<string, unknown>>;
  };
  /** variables that the server adds */
  readonly added: Readonly<Record<string, string>>;
  readonly workspaceId: string;
  readonly attempt: number;
  readonly runId: string;
  readonly runDirectory: string;
  readonly apiUrl: string;
  /** the task's own token; never the agent's; null: none */
  readonly token: string | null;
  readonly artifactsDirectory: string;
  readonly workingDirectory: string;
  readonly parametersFile: string;
  /** null: no trigger fired the task */
  readonly eventFile: string | null;
  /** where the script stands in a trace; null: what `added` says of it, if anything */
  readonly traceparent: string | null;
  /** the full executable, for what the short commands hand on */
  readonly executable: string;
  /** holds the short commands; first on PATH */
  readonly binDirectory: string;
}

/** What a script gets, and what it does not. */
export interface TaskEnvironment {
  readonly env: Readonly<Record<string, string>>;
  /** names of parameters that are lists or objects, and left out because the kernel would refuse them: they are in their file */
  readonly leftOut: readonly string[];
}

/**
 * Variables of the agent that are nobody else's business: everything named KERUTA_…, the trace that the agent was started
 * in, and what would let a task speak to systemd in the agent's name.
 */
const agentsOwn =
  /^(KERUTA_.*|TRACEPARENT|TRACESTATE|CODER_AGENT_TOKEN|NODE_OPTIONS|NODE_CHANNEL_FD|PKG_EXECPATH|PKG_NATIVE_CACHE_PATH|NOTIFY_SOCKET|WATCHDOG_USEC|WATCHDOG_PID|CREDENTIALS_DIRECTORY)$/;

/**
 * Secrets of settings, which are the agent's and the server's: a server in one process with the agent has its own in the same
 * environment. The others are what workflows of older programs and of functions name theirs.
 */
const secrets: ReadonlySet<string> = new Set([
  ...Object.values(settingsTable).flatMap(({ secret, variables }) => (secret ? variables : [])),
  'WEBHOOK_SECRET',
  'SLACK_SIGNING_SECRET',
]);

/**
 * Makes the environment of a task: the agent's without what is the agent's own, then the parameters, then the
 * contract, which nothing can override. A script that finds a text empty which was given to it would do the wrong thing, so
 * one that the kernel refuses is an error; lists and objects are left out, since their file is where they are read.
 *
 * @throws {InputError} KERUTA_ERR_BAD_VALUE: a text is too long for a variable, or has a NUL byte
 */
export function taskEnvironment(source: EnvironmentSource): TaskEnvironment {
  const wanted = new Map<string, string>();
  for (const [name, value] of Object.entries(source.inherited)) {
    const isOthers = agentsOwn.test(name) || secrets.has(name) || source.withheld?.includes(name);
    if (value !== undefined && !isOthers) wanted.set(name, value);
  }
  for (const [name, value] of Object.entries(source.added)) wanted.set(name, value);
  const structured = new Set<string>();
  for (const [name, value] of Object.entries(source.task.parameters)) {
    wanted.set(parameterVariable(name), parameterText(value));
    if (typeof value !== 'string') structured.add(parameterVariable(name));
  }
  for (const [name, value] of Object.entries(contract(source))) wanted.set(name, value);

  const env: Record<string, string> = {};
  const leftOut: string[] = [];
  for (const [name, value] of wanted) {
    const fault = faultOf(name, value);
    if (fault === null) env[name] = value;
    else if (structured.has(name)) leftOut.push(name);
    else throw new InputError('KERUTA_ERR_BAD_VALUE', fault);
  }
  return { env, leftOut };
}

/** Why the kernel would refuse a variable; null when it takes it. */
function faultOf(name: string, value: string): string | null {
  const way =
    'as a list or an object it would stand in KERUTA_PARAMETERS_FILE, and what fired a task is in KERUTA_EVENT_FILE';
  if (value.includes('\0'))
    return `${name} has a NUL byte, which no variable of the environment can hold; ${way}`;
  const [bytes, most] = [Buffer.byteLength(value), maxVariableBytes - Buffer.byteLength(name) - 2];
  if (bytes <= most) return null;
  return `${name} has ${bytes} bytes, and the environment takes at most ${most} of it; ${way}`;
}

/** Whether a variable is one that every task gets from its agent, whatever the agent's own environment holds. */
export function isContract(name: string): boolean {
  return /^(KERUTA_.*|TERM|PATH|TRACEPARENT|TRACESTATE)$/.test(name);
}

function contract(source: EnvironmentSource): Record<string, string> {
  const path = source.inherited.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return {
    TERM: 'dumb',
    PATH: `${source.binDirectory}:${path}`,
    KERUTA_TASK_ID: source.task.id,
    KERUTA_TASK_NAME: source.task.name,
    KERUTA_SESSION_ID: source.task.sessionId,
    KERUTA_WORKSPACE_ID: source.workspaceId,
    KERUTA_ATTEMPT: String(source.attempt),
    KERUTA_RUN_ID: source.runId,
    KERUTA_RUN_DIR: source.runDirectory,
    KERUTA_API_URL: source.apiUrl,
    ...(source.token === null ? {} : { KERUTA_API_TOKEN: source.token }),
    KERUTA_ARTIFACTS_DIR: source.artifactsDirectory,
    KERUTA_WORKING_DIR: source.workingDirectory,
    KERUTA_PARAMETERS_FILE: source.parametersFile,
    ...(source.traceparent === null ? {} : { TRACEPARENT: source.traceparent }),
    ...(source.eventFile === null ? {} : { KERUTA_EVENT_FILE: source.eventFile }),
    KERUTA_EXECUTABLE: source.executable,
  };
}
