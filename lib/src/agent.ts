import { InputError } from '../../internal/domain/errors.ts';
import { type AnyFunction, unitOf } from './registry.ts';
import type { RunContext } from './types.ts';

/** What answers prompts. @returns the answer */
export type Ask = (
  prompt: string,
  about: { readonly model: string; readonly signal: AbortSignal },
) => Promise<string>;

/** What an agent is. */
export interface AgentOptions {
  /** name of the model, handed to `ask` */
  readonly model?: string;
  /** what it is for, for lists */
  readonly description?: string;
  /** default: the name of the function, or of the export */
  readonly name?: string;
}

/** An agent that is a prompt and nothing else. */
export interface PromptOptions extends AgentOptions {
  /** `{{ payload }}` and `{{ file_path }}` are filled in, the payload as JSON; never into anything that is run */
  readonly prompt: string;
  readonly ask: Ask;
}

/**
 * Marks a function as an agent: it is deployed, and can be named in automation.toml, also when nothing fires it.
 * With a prompt instead of a function, the agent asks: the text is filled with what fired it and handed to `ask`.
 * The library has no model of its own.
 *
 * @returns the function itself, so that it can still be called and handed on
 * @throws {InputError} KERUTA_ERR_BAD_VALUE: neither a function nor a prompt with `ask`
 */
export function agent<F extends AnyFunction>(options: AgentOptions, fn: F): F;
/** @see agent */
export function agent(
  options: PromptOptions,
): (...words: [RunContext] | [unknown, RunContext]) => Promise<string>;
/** @see agent */
export function agent(options: AgentOptions | PromptOptions, fn?: AnyFunction): AnyFunction {
  const made = fn ?? promptFunction(options);
  const unit = unitOf(made);
  if (options.name !== undefined) unit.name = options.name;
  if (options.description !== undefined) unit.description = options.description;
  return made;
}

function promptFunction(options: AgentOptions | PromptOptions): AnyFunction {
  if (!('prompt' in options) || typeof options.ask !== 'function')
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      'agent: expected a function, or a prompt together with ask, which answers it',
    );
  const { prompt, ask, model = '' } = options;
  // no name of its own: it takes the one that it is exported by
  return ((...words: [RunContext] | [unknown, RunContext]) => {
    const [input, context] = words.length === 2 ? words : [undefined, words[0]];
    return ask(fillPrompt(prompt, input), { model, signal: context.signal });
  }) as AnyFunction;
}

/** Fills `{{ payload }}` and `{{ file_path }}`; other braces stay as they are. */
export function fillPrompt(prompt: string, input: unknown): string {
  const text = typeof input === 'string' ? input : (JSON.stringify(input) ?? '');
  return prompt.replace(/\{\{\s*(payload|file_path)\s*\}\}/g, () => text);
}
