/** What workflows become of the functions of a file. Pure, but for the text of the file, which is handed in. */
import { createHash } from 'node:crypto';
import { InputError } from '../../../internal/domain/errors.ts';
import type { Unit } from '../../../lib/src/registry.ts';
import type { RetryOptions, WrittenTrigger } from '../../../lib/src/types.ts';

/** How a task gets at the file. */
export type Carriage =
  /** the text is part of the script: a task runs the version that it was made by */
  | { readonly kind: 'carried'; readonly source: string }
  /** the file is there already; relative paths are below the clone */
  | { readonly kind: 'there'; readonly path: string };

/** One function, and what is said of all. */
export interface WorkflowWish {
  readonly unit: Unit;
  /** the first part of its name */
  readonly module: string;
  readonly session: string | null;
  readonly carriage: Carriage;
  /** whether the file wants to be told when a function has failed for the last time */
  readonly hasOnError: boolean;
}

/** The workflow of a function, as people write it: named `module.function`. */
export function workflowOfUnit(wish: WorkflowWish): Record<string, unknown> {
  const { unit, module, session, carriage } = wish;
  const inSession = unit.session ?? session ?? module;
  return {
    name: `${module}.${unit.name}`,
    ...(unit.description === '' ? {} : { description: unit.description }),
    session: inSession,
    run: { name: unit.name, script: scriptOf(carriage, quote(unit.name)) },
    triggers: unit.triggers.map(deployedTrigger),
    ...(unit.retry === null ? {} : { retry: retryOf(unit.retry) }),
    ...(wish.hasOnError ? { onError: onErrorOf(unit, carriage) } : {}),
  };
}

function retryOf({ maxAttempts, backoff = 'fixed', backoffSeconds = 60, neverOn }: RetryOptions) {
  const never = neverOn === undefined ? {} : { neverOn: [...neverOn] };
  return { maxAttempts, backoff, delay: `${backoffSeconds}s`, ...never };
}

/** A task of its own, after the last attempt, however that ended. */
function onErrorOf({ name }: Unit, carriage: Carriage) {
  return { name: `${name} onError`, script: scriptOf(carriage, `${quote(name)} --on-error`) };
}

/** A webhook of a function is signed by a secret in the environment of the server. */
function deployedTrigger(trigger: WrittenTrigger): Record<string, unknown> {
  if (trigger.type !== 'webhook') return trigger;
  const { type, secretEnv, filter } = webhookOfEvent(String(trigger.path));
  return { ...trigger, auth: { type, secretEnv }, ...(filter === null ? {} : { filter }) };
}

/** How deliveries of an event are told. */
export interface EventWebhook {
  /** how they are signed */
  readonly type: 'github' | 'slack';
  /** the variable that has the secret, unless another one is named */
  readonly secretEnv: string;
  /** which of them count; null = all */
  readonly filter: string | null;
}

const secretEnvs = { github: 'GITHUB_WEBHOOK_SECRET', slack: 'SLACK_SIGNING_SECRET' } as const;

/**
 * What an address takes. One for an event of GitHub or Slack, such as `github.push` or `slack.message`, takes what that
 * service signed, and of it that event and what has no name; one whose rest is no such name, such as `slack.message.im`, takes
 * all of it. Others are signed as GitHub signs, which anybody can.
 */
export function webhookOfEvent(path: string): EventWebhook {
  const [service, event = ''] = path.split(/\.(.*)/);
  if (event === '' || (service !== 'github' && service !== 'slack'))
    return { type: 'github', secretEnv: 'WEBHOOK_SECRET', filter: null };
  return {
    type: service,
    secretEnv: secretEnvs[service],
    filter: /^[a-z_]+$/.test(event) ? `kind == '${event}' or kind == ''` : null,
  };
}

function scriptOf(carriage: Carriage, words: string): string {
  const call = (file: string) => `exec "$KERUTA_EXECUTABLE" call ${file} ${words}\n`;
  if (carriage.kind === 'there') return `#!/bin/sh\n${call(quote(carriage.path))}`;
  // a line that cannot stand in the text, as it depends on all of it
  const end = `KERUTA_${createHash('sha256').update(carriage.source).digest('hex').slice(0, 16)}`;
  const file = '"$KERUTA_RUN_DIR/automation.mts"';
  const text = carriage.source.endsWith('\n') ? carriage.source : `${carriage.source}\n`;
  return `#!/bin/sh\nset -e\ncat > ${file} <<'${end}'\n${text}${end}\n${call(file)}`;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * Refuses a file that needs others: they would not be there when its text is carried.
 * @param imports  what it imports beside the library and what Node has
 * @throws {InputError} KERUTA_ERR_LIBRARY_FILE naming them
 */
export function refuseImports(file: string, imports: readonly string[]): void {
  if (imports.length === 0) return;
  throw new InputError(
    'KERUTA_ERR_LIBRARY_FILE',
    `${file} imports ${[...new Set(imports)].join(', ')}, which would not be there where it runs; ` +
      'say by --at where the agent finds the file together with what it imports',
  );
}
