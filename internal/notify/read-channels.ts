/** Reads the file of channels, and names every fault at once. Pure. */
import { InputError } from '../domain/errors.ts';
import type { SecretRef } from '../domain/secret-ref.ts';
import { type ChannelInput, channelsShape } from './channel-shape.ts';

/** A channel as it is set up. */
export interface ChannelSpec {
  readonly name: string;
  readonly input: ChannelInput;
  /** null = it needs none */
  readonly secret: SecretRef | null;
}

/**
 * Reads channels, in the order of the file.
 * @param file  for messages
 * @throws {InputError} KERUTA_ERR_CONFIG
 */
export function readChannels(value: unknown, file: string): readonly ChannelSpec[] {
  const read = channelsShape.safeParse(value);
  if (!read.success) {
    const faults = read.error.issues.map(
      ({ path, message }) => `${path.join('.') || 'the file'}: ${message}`,
    );
    throw wrong(file, faults);
  }
  const specs = Object.entries(read.data.channels).map(([name, input]) => ({
    name,
    input,
    ...secretOf(input),
  }));
  const faults = specs.flatMap((spec) => faultsOf(spec).map((fault) => `channels.${spec.name}: ${fault}`));
  if (faults.length > 0) throw wrong(file, faults);
  return specs.map(({ name, input, refs }) => ({ name, input, secret: refs[0] ?? null }));
}

function wrong(file: string, faults: readonly string[]): InputError {
  return new InputError('KERUTA_ERR_CONFIG', `${file}: ${faults.join('; ')}`, { details: { faults } });
}

/** How the fields of its secret begin. */
const secretFields = { slack: 'url', mail: 'password', webhook: 'secret', github: null } as const;

function secretOf(input: ChannelInput): { readonly refs: readonly SecretRef[] } {
  const field = secretFields[input.type];
  if (field === null) return { refs: [] };
  const fields = input as Readonly<Record<string, unknown>>;
  const [name, path] = [fields[`${field}Env`], fields[`${field}File`]];
  return {
    refs: [
      ...(typeof name === 'string' ? [{ kind: 'variable' as const, name }] : []),
      ...(typeof path === 'string' ? [{ kind: 'file' as const, path }] : []),
    ],
  };
}

function faultsOf({
  input,
  refs,
}: {
  readonly input: ChannelInput;
  readonly refs: readonly SecretRef[];
}): readonly string[] {
  const field = secretFields[input.type];
  const faults: string[] = [];
  if (refs.length > 1) faults.push(`expected either ${field}Env or ${field}File, got both`);
  const isNeeded = input.type === 'mail' ? input.user !== undefined : field !== null;
  if (isNeeded && refs.length === 0) faults.push(`expected ${field}Env or ${field}File, got neither`);
  if (input.type === 'mail' && input.user === undefined && refs.length > 0)
    faults.push('expected a user beside its password, got none');
  if (input.type === 'github' && (input.issue === undefined) === (input.pull === undefined))
    faults.push('expected either issue or pull');
  return faults;
}
