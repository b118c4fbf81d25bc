/** How a server tells people, out of its settings. */
import type { SettingValues } from '../../../internal/config/table.ts';
import { InputError, KerutaError } from '../../../internal/domain/errors.ts';
import {
  maxFailures,
  type NotifyDefaults,
  type NotifyEvent,
  notifyDefaults,
  notifyEvents,
} from '../../../internal/domain/notification.ts';
import { type SecretRef, secretName } from '../../../internal/domain/secret-ref.ts';
import type { ChannelSpec } from '../../../internal/notify/read-channels.ts';
import type { NotifyParts } from '../../../internal/session/parts.ts';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { GithubApp } from '../../../pkg/github/app.ts';
import type { OutboundGuard } from '../../../pkg/outbound/guard.ts';
import type { CommandContext } from '../command.ts';

/** What channels are made of beside their file. */
export interface NotifySources {
  readonly clock: Clock;
  readonly github: GithubApp | null;
  readonly publicUrl: string | null;
  readonly secret: (ref: SecretRef) => string | null;
}

/** Channels, and what is to be closed with the server. */
export interface OpenNotify {
  readonly notify: NotifyParts;
  /** variables of the server that hold secrets of channels */
  readonly secretVariables: readonly string[];
  close(): Promise<void>;
}

/** From name look-up to an encrypted connection, and from the request to its answer; ms. */
const connectMs = 5_000;
const answerMs = 10_000;
/** Of an answer, which nobody reads; bytes. */
const maxAnswerBytes = 64 * 1024;

/**
 * Makes the channels of a server; null when no file is named.
 * @throws {InputError} KERUTA_ERR_CONFIG: the file, or a secret that it names, cannot be read; a channel that can never work
 */
export async function openNotify(
  context: Pick<CommandContext, 'version'>,
  values: SettingValues,
  sources: NotifySources,
): Promise<OpenNotify | null> {
  const { notifyFile: file, notifyAllow } = values;
  if (file === null) return null;
  const { makeHttp } = await import('../../../pkg/http/http.ts');
  const { makeGuard } = await import('../../../pkg/outbound/guard.ts');
  const { openChannels } = await import('../../../internal/notify/open-channels.ts');
  const specs = await readFile(file);
  for (const { name, secret } of specs) refuseMissing(name, secret, sources);
  const guard = guardOf(notifyAllow ?? [], makeGuard);
  const http = makeHttp({
    ...{ userAgent: `keruta/${context.version}`, guard, connectMs, headersMs: answerMs, stallMs: answerMs },
    maxResponseBytes: maxAnswerBytes,
  });
  const { clock, github, secret, publicUrl } = sources;
  const channels = openChannels(specs, { http, guard, clock, github, secret });
  const defaults = defaultsOf(
    values,
    channels.map(({ name }) => name),
  );
  return {
    notify: { channels, defaults, publicUrl },
    secretVariables: specs.flatMap((spec) => (spec.secret?.kind === 'variable' ? [spec.secret.name] : [])),
    close: () => http.close(),
  };
}

async function readFile(file: string): Promise<readonly ChannelSpec[]> {
  const { readWorkflowFiles } = await import('../people/workflow-files.ts');
  const { readChannels } = await import('../../../internal/notify/read-channels.ts');
  const [first, another] = told(() => readWorkflowFiles(file, '/', {}));
  if (first === undefined || another !== undefined)
    throw wrong(`${file}: expected one document with channels, got ${another ? 'more' : 'none'}`);
  return readChannels(first.value, file);
}

/** A file that cannot be read is a fault of the settings, whatever it was to hold. */
function told<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof KerutaError)) throw cause;
    throw new InputError('KERUTA_ERR_CONFIG', `KERUTA_NOTIFY_FILE: ${cause.message}`, { cause });
  }
}

/** At the start, so that nobody waits for messages that can never come; later it is read anew for each message. */
function refuseMissing(name: string, ref: SecretRef | null, { secret }: NotifySources): void {
  if (ref === null || secret(ref) !== null) return;
  throw wrong(`The channel ${name} of notifications needs ${secretName(ref)}, which is not there or empty.`);
}

function guardOf(
  allow: readonly string[],
  makeGuard: (allow: readonly string[]) => OutboundGuard,
): OutboundGuard {
  try {
    return makeGuard(allow);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw wrong(`KERUTA_NOTIFY_ALLOW: ${error.message}.`);
  }
}

function defaultsOf(values: SettingValues, names: readonly string[]): NotifyDefaults {
  const { notifyTo, notifyOn, notifyFailures } = values;
  const strange = (notifyTo ?? []).find((name) => !names.includes(name));
  if (strange !== undefined)
    throw wrong(`KERUTA_NOTIFY_TO: expected channels of the file (${names.join(', ')}), got ${strange}.`);
  return {
    to: notifyTo ?? names,
    on: (notifyOn ?? notifyDefaults.on).map(eventOf),
    failures: notifyFailures === null ? notifyDefaults.failures : failuresOf(notifyFailures),
  };
}

function eventOf(name: string): NotifyEvent {
  const found = notifyEvents.find((event) => event === name);
  if (found !== undefined) return found;
  throw wrong(`KERUTA_NOTIFY_ON: expected some of ${notifyEvents.join(', ')}; got ${name}.`);
}

function failuresOf(texts: readonly string[]): readonly number[] {
  const numbers = texts.map((text) => (/^[1-9]\d{0,5}$/.test(text) ? Number(text) : Number.NaN));
  const isAscending = numbers.every((one, index) => index === 0 || one > (numbers[index - 1] ?? 0));
  if (numbers.length > 0 && numbers.length <= maxFailures && isAscending && !numbers.some(Number.isNaN))
    return numbers;
  throw wrong(`KERUTA_NOTIFY_FAILURES: expected ascending numbers such as 1,3,5; got ${texts.join(',')}.`);
}

function wrong(message: string): InputError {
  return new InputError('KERUTA_ERR_CONFIG', message);
}
