/** Which coding agent a configuration of the runner names. Pure. */
import type { FieldPath } from '../../pkg/shape/shape-faults.ts';
import { type CoderDefinition, readCoder } from '../coder/read-coder.ts';
import { InputError } from '../domain/errors.ts';
import type { ConfigInput } from './config-shape.ts';
import type { TellFault } from './faults.ts';

/**
 * Finds the coding agent of a configuration: `coder`, or `llm`, its short form. Name of the key and repetitions are those of the
 * whole, unless a coder has its own.
 * @returns null: there is none, or it has faults, which are told
 */
export function coderOf(given: Partial<ConfigInput>, fault: TellFault): CoderDefinition | null {
  const { coder = null, llm = null, llm_api_key_env_var: keyVariable, llm_retry_count: retries } = given;
  if (coder !== null && llm !== null) {
    fault(['llm'], 'expected llm or coder; llm is the short form of a coder whose agent is endpoint');
    return null;
  }
  const common = {
    ...(keyVariable === undefined ? {} : { key_variable: keyVariable }),
    ...(retries === undefined ? {} : { llm_retry_count: retries }),
  };
  if (llm !== null) {
    const { endpoint, ...rest } = llm;
    const written = { agent: 'endpoint', ...common, ...rest, ...(endpoint == null ? {} : { endpoint }) };
    return readDefinition(written, 'llm', fault);
  }
  if (coder === null) return null;
  const isEndpoint = (coder as { agent?: unknown }).agent === 'endpoint';
  return readDefinition(isEndpoint ? { ...common, ...(coder as object) } : coder, 'coder', fault);
}

function readDefinition(value: unknown, from: 'coder' | 'llm', fault: TellFault): CoderDefinition | null {
  try {
    return readCoder(value, from);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const faults = error.details.faults as readonly { readonly path: FieldPath; readonly message: string }[];
    for (const { path, message } of faults) fault([from, ...path], message);
    return null;
  }
}
