/** What is said between us and an endpoint: the part of OpenAI's chat completions that everybody speaks. */
import { z } from 'zod';

/** A call of a tool, as it stands in a message. */
export interface CallMessage {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/** One message of a conversation. */
export type ChatMessage =
  | { readonly role: 'system' | 'user'; readonly content: string }
  | {
      readonly role: 'assistant';
      readonly content: string | null;
      readonly tool_calls?: readonly CallMessage[];
    }
  | { readonly role: 'tool'; readonly tool_call_id: string; readonly content: string };

/** A tool, as a model is told of it. */
export interface ToolSpec {
  readonly type: 'function';
  readonly function: { readonly name: string; readonly description: string; readonly parameters: unknown };
}

const count = z.number().nonnegative().nullish();

/** Tokens of a call; the cached ones are part of those of the prompt. */
export const usageShape = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: z.object({ cached_tokens: count }).nullish(),
});

const callShape = z.object({
  index: z.number().int().nonnegative().max(1000).nullish(),
  id: z.string().nullish(),
  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
});

const partShape = z.object({ content: z.string().nullish(), tool_calls: z.array(callShape).nullish() });

/** A whole answer, or a piece of one: pieces have a `delta`, wholes a `message`. */
export const answerShape = z.object({
  model: z.string().nullish(),
  choices: z
    .array(
      z.object({
        delta: partShape.nullish(),
        message: partShape.nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: usageShape.nullish(),
  error: z.unknown().optional(),
});
/** @see answerShape */
export type AnswerPiece = z.infer<typeof answerShape>;

/** A call of a tool, as the model put it: nothing of it is checked. */
export interface RawCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/** What a model answered. */
export interface ModelAnswer {
  readonly text: string;
  readonly calls: readonly RawCall[];
  /** `stop`, `tool_calls`, `length`, …; null when it is not told */
  readonly finish: string | null;
}
