/** One speaking command, done: inside a run through its mailbox, outside straight to the API. */
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { InputError } from '../../../internal/domain/errors.ts';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Spoken } from './grammar.ts';
import { appendToMailbox, askInRun, mailboxWords, type RunPlace } from './in-run.ts';
import { type OutsidePlace, outsideRequest, speakOutside } from './outside.ts';

/** What a speaking command works with. */
export interface SpeakParts {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** the answer, without newline */
  readonly print: (line: string) => void;
  /** everything else, without newline */
  readonly warn: (line: string) => void;
  /** all of stdin; called only when a message is to come from there */
  readonly readInput: () => Promise<string>;
}

/** Where the command speaks from. */
export type SpeakPlace = { readonly run: RunPlace } | { readonly outside: OutsidePlace };

/** Longest message; bytes of UTF-8. */
const maxMessageBytes = 64 * 1024;

/**
 * Does a speaking command.
 * @returns the exit status
 * @throws one of the five errors
 */
export async function speak(parts: SpeakParts, spoken: Spoken, place: SpeakPlace): Promise<number> {
  const complete = await withInput(parts, spoken);
  const json = complete.flags.json === true;
  if (complete.command.name === 'ask') {
    if (!('run' in place)) throw new InputError('KERUTA_ERR_USAGE', 'ask: only inside a run');
    const answer = await askInRun(parts, place.run, complete);
    parts.print(json ? JSON.stringify({ answer }) : answer);
    return 0;
  }
  if ('run' in place) {
    appendToMailbox(place.run, mailboxWords(complete));
    if (json) parts.print(JSON.stringify({ taskId: place.run.taskId, delivered: 'run' }));
    return 0;
  }
  const isFrequent = ['log', 'progress'].includes(complete.command.name);
  const request = outsideRequest(complete, place.outside, parts.clock.now());
  const delivered = await speakOutside(
    { clock: parts.clock, order: randomUUID().slice(0, 8), warn: parts.warn },
    place.outside,
    { requests: [request], strict: complete.flags.strict === true, isFrequent },
  );
  if (json) parts.print(JSON.stringify({ taskId: place.outside.taskId, delivered }));
  return 0;
}

/** Takes the message of `log` from stdin when it is not on the command line. */
async function withInput(parts: SpeakParts, spoken: Spoken): Promise<Spoken> {
  const [level = '', message] = spoken.positionals;
  if (spoken.command.name !== 'log') return spoken;
  const text =
    message === undefined || message === '-' ? (await parts.readInput()).replace(/\n$/, '') : message;
  if (text === '')
    throw new InputError('KERUTA_ERR_USAGE', 'message: expected a text or lines on stdin, got nothing');
  const cut = Buffer.from(text)
    .subarray(0, maxMessageBytes)
    .toString('utf8')
    .replace(/\uFFFD$/, '');
  return { ...spoken, positionals: [level, cut] };
}

/** Whether a directory holds anything: then `success` has artifacts to send, which the small entry cannot. */
export function hasFiles(directory: string | undefined): boolean {
  if (!directory) return false;
  try {
    return readdirSync(directory).length > 0;
  } catch {
    return false;
  }
}
