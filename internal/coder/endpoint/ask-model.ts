/** Asks a model once more and once more, until it has answered or it is no use. */
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Http, HttpAnswer } from '../../../pkg/http/http.ts';
import { HttpError } from '../../../pkg/http/http-errors.ts';
import { readRetryAfter } from '../../../pkg/http/retry-after.ts';
import { makeSseParser, SseTooLargeError } from '../../../pkg/http/sse.ts';
import type { Random } from '../../../pkg/random/random.ts';
import { retryDelayMs } from '../../domain/retry.ts';
import { asObject, parseJson } from '../json.ts';
import type { TokenCounts } from '../prices.ts';
import type { Stop } from '../spending.ts';
import type { ChatMessage, ModelAnswer, ToolSpec } from './chat.ts';
import { type AnswerCollector, answerCollector, type Collected, errorWords } from './collect-answer.ts';

/** Where and how a model is asked. */
export interface ModelDoor {
  readonly http: Http;
  readonly clock: Clock;
  readonly random: Random;
  /** up to and with the version, without a slash at its end: `https://api.openai.com/v1` */
  readonly baseUrl: string;
  /** null = none is sent */
  readonly key: string | null;
  readonly model: string;
  /** longest silence, before the answer and in it; ms */
  readonly timeoutMs: number;
  /** how often a call is repeated in a row */
  readonly retryCount: number;
  /** longest answer; tokens; null = the endpoint's own limit */
  readonly maxAnswerTokens: number | null;
}

/** One question. */
export interface Question {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ToolSpec[];
  readonly signal: AbortSignal;
  /** told what each try that was answered used, also when its answer broke off; @returns null = go on */
  readonly spend: (used: Spent) => Promise<Stop | null>;
  readonly onRetry: (why: string, delayMs: number) => void;
}

/** What a try used. */
export interface Spent extends TokenCounts {
  readonly model: string | null;
  /** whether it is a guess: four bytes are taken for a token */
  readonly isEstimated: boolean;
}

/** What came of it. `isTooLong`: a shorter conversation may be taken. */
export type Asked =
  | { readonly kind: 'answer'; readonly answer: ModelAnswer }
  | { readonly kind: 'stop'; readonly stop: Stop }
  | { readonly kind: 'fault'; readonly words: string; readonly isTooLong: boolean };

/** Between tries: one second, doubled up to half a minute. */
const backoff = { backoff: 'exponential', delayMs: 1000, maxDelayMs: 30_000 } as const;
/** How long an endpoint that has said all has to close its answer, so that the connection can be used again; ms. */
const lingerMs = 500;
/** An endpoint that wants to be left alone for longer is given up; ms. */
const longestWaitMs = 600_000;

/** Asks until there is an answer. @throws the signal's reason; what `spend` throws */
export async function askModel(door: ModelDoor, question: Question): Promise<Asked> {
  for (let failures = 1; ; failures++) {
    const tried = await tryOnce(door, question);
    const stop = tried.spent === null ? null : await question.spend(tried.spent);
    if (stop !== null) return { kind: 'stop', stop };
    if (tried.kind === 'answer') return { kind: 'answer', answer: tried.answer };
    const { words, isTooLong, isPassing, retryAfterMs = null } = tried;
    if (!isPassing) return { kind: 'fault', words, isTooLong };
    if ((retryAfterMs ?? 0) > longestWaitMs) {
      const wait = `it wants to be left alone for ${Math.ceil((retryAfterMs ?? 0) / 1000)} s`;
      return { kind: 'fault', words: `${words}; ${wait}`, isTooLong: false };
    }
    if (failures > door.retryCount)
      return { kind: 'fault', words: failures === 1 ? words : `${words} (${failures} times)`, isTooLong };
    const delayMs = Math.max(retryAfterMs ?? 0, retryDelayMs(backoff, failures, door.random.fraction()));
    question.onRetry(words, delayMs);
    await door.clock.sleep(delayMs, question.signal);
  }
}

type Tried =
  | { readonly kind: 'answer'; readonly answer: ModelAnswer; readonly spent: Spent }
  | {
      readonly kind: 'fault';
      readonly words: string;
      readonly spent: Spent | null;
      /** whether the same may be answered later */
      readonly isPassing: boolean;
      readonly isTooLong: boolean;
      readonly retryAfterMs?: number | null;
    };

async function tryOnce(door: ModelDoor, question: Question): Promise<Tried> {
  const body = JSON.stringify(requestOf(door, question));
  const over = new AbortController();
  try {
    const answer = await door.http.request({
      method: 'POST',
      url: `${door.baseUrl}/chat/completions`,
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream, application/json',
        ...(door.key === null ? {} : { authorization: `Bearer ${door.key}` }),
      },
      body,
      signal: AbortSignal.any([question.signal, over.signal]),
      headersMs: door.timeoutMs,
      stallMs: door.timeoutMs,
    });
    if (answer.status !== 200) return await refusalOf(answer, door.clock.now());
    const collected = await collect(answer, { door, signal: question.signal, over });
    const spent = spentOf(collected, Buffer.byteLength(body));
    if (collected.isWhole) return { kind: 'answer', answer: collected.answer, spent };
    const words = collected.fault ?? 'its answer was cut off';
    return { kind: 'fault', words, spent, isPassing: true, isTooLong: false };
  } catch (error) {
    question.signal.throwIfAborted();
    if (!(error instanceof HttpError)) throw error;
    return { kind: 'fault', words: error.message, spent: null, isPassing: true, isTooLong: false };
  }
}

function requestOf({ model, maxAnswerTokens }: ModelDoor, { messages, tools }: Question): unknown {
  return {
    model,
    messages,
    tools,
    tool_choice: 'auto',
    stream: true,
    stream_options: { include_usage: true },
    ...(maxAnswerTokens === null ? {} : { max_tokens: maxAnswerTokens }),
  };
}

interface Reading {
  readonly door: ModelDoor;
  readonly signal: AbortSignal;
  /** ends the answer, and nothing else */
  readonly over: AbortController;
}

/** Reads an answer, streamed or not; one that breaks off is a value, since it has been paid for. */
async function collect(answer: HttpAnswer, { door, signal, over }: Reading): Promise<Collected> {
  const collector = answerCollector();
  const type = answer.headers['content-type'] ?? '';
  try {
    if (/^application\/json\b/i.test(type)) collector.take(await answer.text());
    else await readStream(answer, collector, () => door.clock.after(lingerMs, () => over.abort()));
  } catch (error) {
    signal.throwIfAborted();
    const isNetwork = error instanceof HttpError || error instanceof SseTooLargeError;
    if (!isNetwork && !over.signal.aborted) throw error;
    const collected = collector.collected();
    if (collected.isWhole) return collected;
    return { ...collected, fault: collected.fault ?? (error as Error).message };
  }
  const collected = collector.collected();
  const isOther = !collected.isWhole && collected.length === 0 && !/^text\/event-stream\b/i.test(type);
  return isOther
    ? { ...collected, fault: collected.fault ?? `it sent "${type}" instead of an answer` }
    : collected;
}

async function readStream(
  answer: HttpAnswer,
  collector: AnswerCollector,
  linger: () => () => void,
): Promise<void> {
  const parser = makeSseParser();
  let cancel: (() => void) | null = null;
  try {
    for await (const bytes of answer.stream) {
      for (const { data } of cancel === null ? parser.push(bytes) : []) {
        const state = collector.take(data);
        if (state === 'bad') return;
        if (state === 'more') continue;
        cancel = linger();
        break;
      }
    }
  } finally {
    cancel?.();
  }
}

function spentOf({ tokens, model, length }: Collected, sentBytes: number): Spent {
  const guess = { tokensIn: Math.ceil(sentBytes / 4), cachedIn: 0, tokensOut: Math.ceil(length / 4) };
  return { ...(tokens ?? guess), model, isEstimated: tokens === null };
}

const passingStatus = (status: number) => status >= 500 || [408, 425, 429].includes(status);

async function refusalOf(answer: HttpAnswer, now: number): Promise<Tried> {
  const text = await answer.text();
  const error = asObject(asObject(parseJson(text))?.error) ?? {};
  const said = error.message === undefined ? text.trim().slice(0, 300) : errorWords(error);
  const words = `the endpoint answered ${answer.status}${said === '' ? '' : `: ${said}`}`;
  // no wait mends that
  const isSpent = error.code === 'insufficient_quota' || error.type === 'insufficient_quota';
  const isTooLong =
    (answer.status === 400 || answer.status === 413) &&
    (error.code === 'context_length_exceeded' ||
      /context (length|window)|too many tokens|prompt is too long/i.test(said));
  return {
    ...{ kind: 'fault', words, spent: null, isTooLong },
    isPassing: passingStatus(answer.status) && !isSpent,
    retryAfterMs: readRetryAfter(answer.headers['retry-after'], now),
  };
}
