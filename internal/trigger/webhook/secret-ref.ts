/** Where the secrets of a trigger rest: never in its definition, which everybody reads who may look at workflows. */
import { z } from 'zod';
import type { SecretRef } from '../../domain/secret-ref.ts';

/** Most secrets that are valid at a time: the old one and the new one, while a sender is moved from one to the other. */
export const maxSecrets = 2;
/** A shorter secret can be guessed; bytes. */
export const leastSecretBytes = 32;

const variable = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]{0,99}$/,
    'expected the name of a variable of the server, such as HOOK_SECRET',
  );
const reference = z.string().regex(
  /^\$\{[A-Za-z_][A-Za-z0-9_]{0,99}\}$/,
  // what was given is not repeated: it may be the secret itself
  'expected a variable of the server, written with a dollar and braces, or secretEnv: a secret itself is not kept in a workflow',
);
const file = z.string().max(4096).startsWith('/', 'expected an absolute path on the server');

const oneOrTwo = <T extends z.ZodType>(shape: T) =>
  z.union([shape, z.array(shape).min(1).max(maxSecrets)]).optional();

/** The fields in which a definition names its secrets; one or two in all. */
export const secretFields = {
  /** `${NAME}`: the same as `secretEnv: NAME` */
  secret: oneOrTwo(reference),
  /** variables in the environment of the server */
  secretEnv: oneOrTwo(variable),
  /** files on the server; a line end at the end does not count */
  secretFile: oneOrTwo(file),
};

/** What a definition says in these fields. */
export interface SecretFields {
  readonly secret?: string | readonly string[] | undefined;
  readonly secretEnv?: string | readonly string[] | undefined;
  readonly secretFile?: string | readonly string[] | undefined;
}

/** The secrets that a definition names, in the order of its fields. */
export function secretRefs({ secret, secretEnv, secretFile }: SecretFields): readonly SecretRef[] {
  return [
    ...listOf(secret).map((text) => ({ kind: 'variable' as const, name: text.slice(2, -1) })),
    ...listOf(secretEnv).map((name) => ({ kind: 'variable' as const, name })),
    ...listOf(secretFile).map((path) => ({ kind: 'file' as const, path })),
  ];
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}
