/** The words that a script's commands leave in its mailbox, read into one closed set of requests. */
import { maxDurationMs } from '../domain/duration.ts';
import { type LogLevel, parseLogLevel } from '../domain/log-level.ts';
import { parseMoney } from '../domain/money.ts';
import type { StreamName } from '../domain/task.ts';

/** What a script asked its agent to do. Absent texts are `''`. */
export type Request =
  | { readonly kind: 'start'; readonly message: string }
  | { readonly kind: 'progress'; readonly progress: number; readonly message: string }
  | { readonly kind: 'success'; readonly message: string; readonly artifactsDir: string | null }
  | {
      readonly kind: 'fail';
      readonly message: string;
      readonly errorCode: string;
      /** null: neither `--auto-fix` nor `--no-auto-fix` was given */
      readonly autoFix: boolean | null;
      /** least time before the next run; absent: `--retry-after` was not given */
      readonly retryAfterMs?: number;
    }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly message: string }
  | {
      readonly kind: 'ask';
      readonly question: string;
      readonly key: string;
      readonly choices: readonly string[];
      /** null: no default */
      readonly fallback: string | null;
      /** null: no limit of its own */
      readonly timeoutMs: number | null;
      readonly secret: boolean;
    }
  | {
      readonly kind: 'artifact';
      readonly file: string;
      readonly description: string;
      /** relative path under which it is shown; `''`: its base name */
      readonly name: string;
    }
  | {
      readonly kind: 'cost';
      readonly micro: number;
      /** unique within the run: the same one again is the same cost */
      readonly key: string;
      /** null: not said */
      readonly tokensIn: number | null;
      readonly tokensOut: number | null;
      readonly model: string;
    }
  | {
      readonly kind: 'redact';
      /** of the file that holds the value */
      readonly id: string;
      /** how long each stream was when the secret was added; bytes */
      readonly from: Readonly<Record<StreamName, number>>;
      /** what to call it; never secret itself */
      readonly name: string;
    };

interface Words {
  readonly plain: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

const flags = ['auto-fix', 'no-auto-fix', 'secret'];

/**
 * Reads the words of one mailbox record. Options may be written `--name value` or `--name=value`; behind `--` all
 * words are plain; unknown options are passed over, so that an older agent understands a newer command.
 *
 * @returns null when the words are no request: the writer checks them, so this is damage or a forgery
 */
export function parseRequest(words: readonly string[]): Request | null {
  const [command, ...rest] = words;
  const { plain, options } = sortWords(rest);
  const option = (name: string) => options.get(name) ?? '';
  const [first = '', second = ''] = plain;
  switch (command) {
    case 'start':
      return { kind: 'start', message: option('message') };
    case 'progress': {
      const progress = /^\d{1,3}$/.test(first) ? Number(first) : 101;
      return progress > 100 ? null : { kind: 'progress', progress, message: option('message') };
    }
    case 'success':
      return {
        kind: 'success',
        message: option('message'),
        artifactsDir: options.get('artifacts-dir') ?? null,
      };
    case 'fail':
      return {
        kind: 'fail',
        message: option('message'),
        errorCode: option('error-code'),
        autoFix: options.has('no-auto-fix') ? false : options.has('auto-fix') ? true : null,
        ...retryAfterOf(options),
      };
    case 'log': {
      const level = parseLogLevel(first);
      return level === null ? null : { kind: 'log', level, message: plain.slice(1).join(' ') };
    }
    case 'ask':
      return parseAsk(first, options);
    case 'artifact':
      if (first !== 'add' || second === '') return null;
      return { kind: 'artifact', file: second, description: option('description'), name: option('name') };
    case 'cost':
      return first === 'add' ? parseCost(second, options) : null;
    case 'redact':
      return first === 'add' ? parseRedact(second, options) : null;
    default:
      return null;
  }
}

function parseAsk(question: string, options: ReadonlyMap<string, string>): Request | null {
  const key = options.get('key') ?? '';
  if (!/^[A-Za-z0-9._-]{1,100}$/.test(key) || key.startsWith('.')) return null;
  const seconds = Number(options.get('timeout') ?? '');
  const choices = options.get('choices') ?? '';
  return {
    kind: 'ask',
    question,
    key,
    choices: choices === '' ? [] : choices.split(','),
    fallback: options.get('default') ?? null,
    timeoutMs: seconds > 0 ? Math.min(seconds * 1000, maxDurationMs) : null,
    secret: options.has('secret'),
  };
}

function retryAfterOf(options: ReadonlyMap<string, string>): { readonly retryAfterMs?: number } {
  const seconds = Number(options.get('retry-after') ?? '');
  return seconds > 0 ? { retryAfterMs: Math.min(Math.ceil(seconds * 1000), maxDurationMs) } : {};
}

function parseCost(amount: string, options: ReadonlyMap<string, string>): Request | null {
  const micro = parseMoney(amount);
  const key = options.get('key') ?? '';
  if (micro === null || key === '' || key.length > 200) return null;
  const tokens = (name: string) => {
    const text = options.get(name) ?? '';
    return /^\d{1,15}$/.test(text) ? Number(text) : null;
  };
  const model = (options.get('model') ?? '').slice(0, 200);
  return { kind: 'cost', micro, key, tokensIn: tokens('tokens-in'), tokensOut: tokens('tokens-out'), model };
}

function parseRedact(id: string, options: ReadonlyMap<string, string>): Request | null {
  if (!/^[0-9a-f-]{36}$/.test(id)) return null;
  const size = (stream: StreamName) => Number(/^\d{1,15}$/.exec(options.get(stream) ?? '0')?.[0] ?? 0);
  return {
    kind: 'redact',
    id,
    from: { stdout: size('stdout'), stderr: size('stderr') },
    name: options.get('name') ?? '',
  };
}

function sortWords(words: readonly string[]): Words {
  const plain: string[] = [];
  const options = new Map<string, string>();
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word === '--') {
      for (const one of words.slice(index + 1)) plain.push(one);
      break;
    }
    const match = /^--([a-z][a-z-]*)(?:=([\s\S]*))?$/.exec(word);
    if (!match) {
      plain.push(word);
      continue;
    }
    const [, name = '', attached] = match;
    if (attached !== undefined || flags.includes(name)) options.set(name, attached ?? 'true');
    else options.set(name, words[++index] ?? '');
  }
  return { plain, options };
}
