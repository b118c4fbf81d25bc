import { asObject, parseJson } from '../json.ts';
import type { TokenCounts } from '../prices.ts';
import { type AnswerPiece, answerShape, type ModelAnswer } from './chat.ts';

/** What came of an answer, whole or not. */
export interface Collected {
  readonly answer: ModelAnswer;
  readonly model: string | null;
  /** null when it is not told */
  readonly tokens: TokenCounts | null;
  /** characters of words and arguments, for a guess */
  readonly length: number;
  /** whether the answer has its end */
  readonly isWhole: boolean;
  /** what the endpoint says went wrong in the middle, or what is no answer; null = nothing */
  readonly fault: string | null;
}

/** Puts an answer together, piece by piece. */
export interface AnswerCollector {
  /** Takes a piece: the data of an event, or a whole body. @returns `end`: it has its end; `bad`: no more is wanted */
  take(data: string): 'more' | 'end' | 'bad';
  collected(): Collected;
}

/** An answer that is longer is broken off; characters. */
const maxCharacters = 8 * 1024 ** 2;
/** More calls than this are not looked at. */
const mostCalls = 64;

/** Makes a collector for one answer. */
export function answerCollector(): AnswerCollector {
  let [text, came] = ['', 0];
  let finish: string | null = null;
  let model: string | null = null;
  let fault: string | null = null;
  let isDone = false;
  let tokens: TokenCounts | null = null;
  const calls: { id: string; name: string; arguments: string }[] = [];

  const call = (part: NonNullable<Part['tool_calls']>[number]) => {
    // some number their calls, some name each once and go on with the last
    const isNew = part.id ? calls.every(({ id }) => id !== part.id) : calls.length === 0;
    const at =
      part.index ??
      (isNew ? calls.length : part.id ? calls.findIndex(({ id }) => id === part.id) : calls.length - 1);
    if (at >= mostCalls) return;
    while (calls.length <= at) calls.push({ id: '', name: '', arguments: '' });
    const one = calls[at];
    if (one === undefined) return;
    if (part.id) one.id = part.id;
    one.name += part.function?.name ?? '';
    one.arguments += part.function?.arguments ?? '';
  };

  const piece = (value: AnswerPiece) => {
    model = value.model ?? model;
    if (value.usage) tokens = tokensOf(value.usage);
    if (value.error !== undefined && value.error !== null) fault = `it broke off: ${errorWords(value.error)}`;
    const [choice] = value.choices ?? [];
    const part = choice?.delta ?? choice?.message;
    text += part?.content ?? '';
    for (const one of part?.tool_calls ?? []) call(one);
    finish = choice?.finish_reason ?? finish;
  };

  return {
    take: (data) => {
      if (data.trim() === '[DONE]') {
        isDone = true;
        return 'end';
      }
      came += data.length;
      const parsed = answerShape.safeParse(parseJson(data));
      if (!parsed.success) fault = `what it sent is no answer: ${data.slice(0, 200)}`;
      else if (came > maxCharacters) fault = `its answer is longer than ${maxCharacters} characters`;
      else piece(parsed.data);
      return fault === null ? 'more' : 'bad';
    },
    collected: () => ({
      answer: { text, calls: calls.filter(({ name }) => name !== ''), finish },
      ...{ model, tokens, fault },
      length: calls.reduce((sum, one) => sum + one.arguments.length, text.length),
      isWhole: fault === null && (isDone || finish !== null),
    }),
  };
}

type Part = NonNullable<NonNullable<NonNullable<AnswerPiece['choices']>[number]>['delta']>;

function tokensOf(usage: NonNullable<AnswerPiece['usage']>): TokenCounts {
  return {
    tokensIn: Math.round(usage.prompt_tokens ?? 0),
    cachedIn: Math.round(usage.prompt_tokens_details?.cached_tokens ?? 0),
    tokensOut: Math.round(usage.completion_tokens ?? 0),
  };
}

/** The words of an error: an object with a message, a text, or whatever it is. */
export function errorWords(error: unknown): string {
  const message = asObject(error)?.message ?? error;
  return (typeof message === 'string' ? message : (JSON.stringify(message) ?? '')).slice(0, 500);
}
