/** How a webhook is written down, and what it means. Pure. */
import { z } from 'zod';
import { parseDuration } from '../../domain/duration.ts';
import { InputError } from '../../domain/errors.ts';
import type { SecretRef } from '../../domain/secret-ref.ts';
import { workflowNamePattern } from '../../domain/workflow.ts';
import { type Filter, readFilter } from './filter.ts';
import { secretFields, secretRefs } from './secret-ref.ts';
import { readPath, type ValuePath } from './value-path.ts';
import type { Verification } from './verify.ts';

const header = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'expected the name of a header')
  .transform((name) => name.toLowerCase());

const auth = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('github'), ...secretFields }),
  z.strictObject({ type: z.literal('slack'), ...secretFields }),
  z.strictObject({ type: z.literal('standard'), ...secretFields }),
  z.strictObject({ type: z.literal('stripe'), header: header.default('x-signature'), ...secretFields }),
  z.strictObject({
    type: z.literal('hmac'),
    header,
    /** stands before the signature */
    prefix: z.string().max(100).default(''),
    algorithm: z
      .enum(['sha256', 'sha512'], { error: 'expected sha256 or sha512; SHA-1 is not taken' })
      .default('sha256'),
    encoding: z.enum(['hex', 'base64', 'base64url']).default('hex'),
    ...secretFields,
  }),
  z.strictObject({ type: z.literal('bearer'), header: header.default('authorization'), ...secretFields }),
  z.strictObject({
    type: z.literal('basic'),
    user: z
      .string()
      .max(255)
      .regex(/^[^:]+$/, 'expected a name without a colon'),
    ...secretFields,
  }),
  z.strictObject({ type: z.literal('none') }),
]);

/** What a trigger of type webhook takes beside the fields that all have. */
export const webhookShape = z.strictObject({
  /** last part of its address; default: the workflow's name. Triggers of one path all fire, those whose secret fits */
  path: z
    .string()
    .regex(workflowNamePattern, 'expected letters, digits, dots, dashes and underscores')
    .optional(),
  methods: z
    .array(z.enum(['POST', 'GET', 'PUT']))
    .min(1)
    .max(3)
    .default(['POST']),
  /** how senders show who they are; `none` only when it is written, and only on a server that nobody else reaches */
  auth: z.union([z.literal('none').transform(() => ({ type: 'none' as const })), auth], {
    error: (issue) => authFault(issue),
  }),
  /** what tells that a delivery is one that came before; default: what the format has, else Idempotency-Key */
  dedupe: z
    .union([
      z.strictObject({ header }),
      z.strictObject({ path: z.string() }),
      /** the same bytes within 10 minutes */
      z.literal('body'),
    ])
    .optional(),
  /** which events count; see the grammar of filters */
  filter: z.string().optional(),
  /** parameters of the task, by the paths of their values */
  parameters: z.record(z.string().min(1).max(100), z.string()).optional(),
  /** answers with the result of the task, when that comes within so long; true = 10s */
  wait: z.union([z.boolean(), z.string()]).default(false),
  /** deliveries per minute, as many at once; default 60 */
  ratePerMinute: z.int().min(1).max(1_000_000).default(60),
});

/** What is wrong within an object is said; otherwise what is expected at all. */
function authFault({ input, errors }: { readonly input?: unknown; readonly errors?: unknown }): string {
  const [, [first] = []] = errors as readonly (readonly z.core.$ZodIssue[])[];
  if (typeof input === 'object' && input !== null && first !== undefined && first.path[0] !== 'type')
    return [first.path.join('.'), first.message].filter((part) => part !== '').join(': ');
  return 'expected none, or an object with a type: github, slack, standard, stripe, hmac, bearer, basic';
}

type WebhookInput = z.output<typeof webhookShape>;

/** A webhook as it works. */
export interface Webhook {
  readonly path: string | null;
  readonly methods: readonly string[];
  readonly verification: Verification;
  readonly secrets: readonly SecretRef[];
  readonly dedupe: { readonly header: string } | { readonly path: ValuePath } | 'body' | null;
  readonly filter: Filter;
  readonly parameters: readonly { readonly name: string; readonly path: ValuePath }[];
  /** how long the answer waits for the task; 0 = not at all */
  readonly waitMs: number;
  readonly ratePerMinute: number;
}

/** Longest wait for a task; ms. */
export const maxWebhookWaitMs = 60_000;
const defaultWaitMs = 10_000;
const maxParameters = 50;

/** Makes a webhook out of what has its shape. @throws {InputError} KERUTA_ERR_BAD_VALUE that names the field */
export function readWebhook(input: WebhookInput): Webhook {
  const { auth: how, dedupe } = input;
  const secrets = how.type === 'none' ? [] : secretRefs(how);
  if (how.type !== 'none' && secrets.length === 0)
    throw fault('auth: expected a secret: the name of a variable in secretEnv, or a path in secretFile');
  if (secrets.length > 2) throw fault(`auth: expected at most two secrets, got ${secrets.length}`);
  const named = Object.entries(input.parameters ?? {});
  if (named.length > maxParameters)
    throw fault(`parameters: expected at most ${maxParameters}, got ${named.length}`);
  return {
    path: input.path ?? null,
    methods: input.methods,
    verification: how,
    secrets,
    dedupe:
      typeof dedupe === 'object' && 'path' in dedupe
        ? { path: within('dedupe.path', () => readPath(dedupe.path)) }
        : (dedupe ?? null),
    filter: input.filter === undefined ? () => true : readFilter(input.filter),
    parameters: named.map(([name, path]) => ({
      name,
      path: within(`parameters.${name}`, () => readPath(path)),
    })),
    waitMs: waitOf(input.wait),
    ratePerMinute: input.ratePerMinute,
  };
}

function waitOf(wait: boolean | string): number {
  if (typeof wait === 'boolean') return wait ? defaultWaitMs : 0;
  const ms = parseDuration(wait);
  if (ms !== null && ms > 0 && ms <= maxWebhookWaitMs) return ms;
  throw fault(`wait: expected true, false or a duration up to ${maxWebhookWaitMs / 1000}s, got ${wait}`);
}

function within<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof InputError) throw fault(`${field}: ${error.message}`);
    throw error;
  }
}

function fault(message: string): InputError {
  return new InputError('KERUTA_ERR_BAD_VALUE', message);
}
