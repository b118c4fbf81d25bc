/** Reads which coding agent is to work, and with what limits: the part `coder` of a configuration. */
import { z } from 'zod';
import { type FieldPath, fieldText, shapeFaults } from '../../pkg/shape/shape-faults.ts';
import { parseDuration } from '../domain/duration.ts';
import { InputError } from '../domain/errors.ts';
import { parseMoney } from '../domain/money.ts';
import { defaultLimits, type WorkLimits } from './coding-agent.ts';
import { type PresetName, presetNames, presets } from './command/presets.ts';
import { type CommandTemplate, outputKinds, placePattern, templatePlaces } from './command/template.ts';
import type { PriceTable } from './prices.ts';

/** An agent as it was asked for. */
export type CoderDefinition = CommandCoder | EndpointCoder;

/** What every agent has. */
interface CoderBase {
  readonly model: string | null;
  readonly prices: PriceTable;
  readonly limits: WorkLimits;
}

/** A program. */
export interface CommandCoder extends CoderBase {
  readonly kind: 'command';
  /** name of the preset, else that of the program */
  readonly name: string;
  readonly template: CommandTemplate;
}

/** A model behind an endpoint. */
export interface EndpointCoder extends CoderBase {
  readonly kind: 'endpoint';
  readonly model: string;
  readonly baseUrl: string;
  /** name of the variable that has the key; with `_FILE` behind it, of the one that names a file with it */
  readonly keyVariable: string;
  /** whether there has to be a key */
  readonly needsKey: boolean;
  /** ms */
  readonly timeoutMs: number;
  readonly retryCount: number;
  readonly maxAnswerTokens: number | null;
  readonly mayRunCommands: boolean;
}

/** Where a model is when nobody says: the only endpoint that wants a key for sure. */
export const defaultBaseUrl = 'https://api.openai.com/v1';

const amount = (what: string) =>
  z.union([z.number(), z.string()]).transform((value, context) => {
    const micros = parseMoney(String(value));
    if (micros !== null) return micros;
    context.addIssue(`expected ${what} such as 2.50`);
    return z.NEVER;
  });

const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== null && ms > 0) return ms;
  context.addIssue('expected a duration such as 30m');
  return z.NEVER;
});

const price = z
  .strictObject({ in: amount('dollars'), out: amount('dollars'), cached_in: amount('dollars').optional() })
  .describe('dollars per million tokens');

const common = {
  model: z.string().min(1).max(200).optional(),
  prices: z.record(z.string().min(1).max(200), price).default({}),
  max_steps: z.number().int().min(1).max(10_000).default(defaultLimits.maxSteps),
  max_tokens: z.number().int().min(1).nullable().default(defaultLimits.maxTokens),
  max_cost: amount('dollars').nullable().default(null),
  timeout: duration.default(defaultLimits.timeoutMs),
};

const word = z
  .string()
  .max(10_000)
  .refine(hasKnownPlaces, {
    error: `has a place that is not known; there are ${templatePlaces.map((name) => `{${name}}`).join(', ')}`,
  });
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable');
const variables = z
  .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*\*?$/, 'expected names of variables'))
  .default([]);

const presetShape = z.strictObject({
  ...common,
  agent: z.enum(presetNames as [PresetName, ...PresetName[]]),
  command: z.string().min(1).optional(),
  more_args: z.array(word).default([]),
  environment: variables,
});

const customShape = z.strictObject({
  ...common,
  agent: z.literal('custom'),
  command: z.string().min(1),
  args: z.array(z.union([word, z.array(word).min(1)])).default([]),
  prompt: z.enum(['stdin', 'file']).default('stdin'),
  output: z.enum(outputKinds).default('lines'),
  environment: variables,
});

const endpointShape = z.strictObject({
  ...common,
  agent: z.literal('endpoint'),
  model: z.string().min(1).max(200).default('gpt-4'),
  endpoint: z.url({ protocol: /^https?$/ }).default(defaultBaseUrl),
  key_variable: variable.default('OPENAI_API_KEY'),
  timeout_seconds: z.number().min(1).max(3600).default(120),
  llm_retry_count: z.number().int().min(0).max(20).default(3),
  max_answer_tokens: z.number().int().min(1).nullable().default(null),
  commands: z.boolean().default(true),
});

const shape = z.discriminatedUnion('agent', [presetShape, customShape, endpointShape]);
type Given = z.infer<typeof shape>;

/**
 * Reads a definition. `agent` is `claude`, `codex`, `gemini`, `aider`, `custom` or `endpoint`.
 * @param from  where it stands, for messages
 * @throws {InputError} KERUTA_ERR_CONFIG; every fault is named, in `details.faults` by path and message
 */
export function readCoder(value: unknown, from = 'coder'): CoderDefinition {
  const parsed = shape.safeParse(value);
  if (parsed.success) return definitionOf(parsed.data);
  const faults = shapeFaults(parsed.error, { keys: (path) => keysAt(value, path), value });
  const words = faults.map(({ path, message }) => `${fieldText([from, ...path])}: ${message}`);
  throw new InputError('KERUTA_ERR_CONFIG', words.join('\n'), { details: { faults } });
}

function keysAt(value: unknown, path: FieldPath): readonly string[] {
  if (path[0] === 'prices') return Object.keys(price.shape);
  const { agent } = value as { readonly agent?: unknown };
  const of = agent === 'endpoint' ? endpointShape : agent === 'custom' ? customShape : presetShape;
  return Object.keys(of.shape);
}

function definitionOf(given: Given): CoderDefinition {
  const prices = Object.fromEntries(
    Object.entries(given.prices).map(([model, one]) => [
      model,
      { inMicros: one.in, outMicros: one.out, cachedInMicros: one.cached_in ?? one.in },
    ]),
  );
  const limits: WorkLimits = {
    maxSteps: given.max_steps,
    maxTokens: given.max_tokens,
    maxCostMicros: given.max_cost,
    timeoutMs: given.timeout,
  };
  const base = { model: given.model ?? null, prices, limits };
  if (given.agent === 'endpoint') {
    return {
      ...base,
      kind: 'endpoint',
      model: given.model,
      baseUrl: given.endpoint.replace(/\/+$/, ''),
      keyVariable: given.key_variable,
      needsKey: given.endpoint.startsWith(defaultBaseUrl),
      timeoutMs: given.timeout_seconds * 1000,
      retryCount: given.llm_retry_count,
      maxAnswerTokens: given.max_answer_tokens,
      mayRunCommands: given.commands,
    };
  }
  if (given.agent === 'custom') {
    const { command, args, prompt, output, environment } = given;
    const name = command.split('/').at(-1) ?? command;
    return {
      ...base,
      kind: 'command',
      name,
      template: { command, args, prompt, output, environment, set: {} },
    };
  }
  const preset: CommandTemplate = presets[given.agent];
  const template: CommandTemplate = {
    ...preset,
    command: given.command ?? preset.command,
    args: withMore(preset.args, given.more_args),
    environment: [...preset.environment, ...given.environment],
  };
  return { ...base, kind: 'command', name: given.agent, template };
}

/** Before a last word that stands for the prompt or for files. */
function withMore(args: CommandTemplate['args'], more: readonly string[]): CommandTemplate['args'] {
  const last = args.at(-1);
  return last === '-' || last === '{files}' ? [...args.slice(0, -1), ...more, last] : [...args, ...more];
}

function hasKnownPlaces(text: string): boolean {
  return [...text.matchAll(placePattern)].every(([, name]) =>
    (templatePlaces as readonly string[]).includes(name ?? ''),
  );
}
