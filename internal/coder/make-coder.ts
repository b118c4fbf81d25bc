import type { Clock } from '../../pkg/clock/clock.ts';
import type { Http } from '../../pkg/http/http.ts';
import type { Confined } from '../../pkg/process/confine.ts';
import type { Random } from '../../pkg/random/random.ts';
import type { NamedSecret } from '../../pkg/redact/redactor.ts';
import { InputError } from '../domain/errors.ts';
import type { CodingAgent, WorkRequest } from './coding-agent.ts';
import { commandAgent } from './command/command-agent.ts';
import type { CommandRunner } from './command-runner.ts';
import { endpointAgent } from './endpoint/endpoint-agent.ts';
import type { CoderDefinition, EndpointCoder } from './read-coder.ts';

/** What agents are made with. */
export interface CoderParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly http: Http;
  /** values that must not be seen anywhere */
  readonly secrets: readonly NamedSecret[];
  /** the value of a variable, or of the file that `NAME_FILE` names; null = neither is set */
  readonly secretOf: (variable: string) => string | null;
  /** limits of a program that is the agent; default: none */
  readonly confined?: Confined;
  /** makes what runs a model's commands in a slot */
  readonly runner: (request: WorkRequest) => CommandRunner;
}

/** Makes the agent of a definition; nothing is started or asked. @throws {InputError} KERUTA_ERR_CONFIG_MISSING without a key, KERUTA_ERR_CONFIG with a bad one */
export function makeCoder(definition: CoderDefinition, parts: CoderParts): CodingAgent {
  const { clock, random, secrets, http, runner } = parts;
  if (definition.kind === 'command') {
    const { name, template, model, prices } = definition;
    const { confined } = parts;
    return commandAgent({
      ...{ clock, random, name, template, model, prices, secrets },
      ...(confined && { confined }),
    });
  }
  const { model, prices, baseUrl, timeoutMs, retryCount, maxAnswerTokens, mayRunCommands } = definition;
  const key = keyOf(definition, parts.secretOf(definition.keyVariable));
  const door = { http, clock, random, baseUrl, key, model, timeoutMs, retryCount, maxAnswerTokens };
  return endpointAgent({ door, prices, secrets, runner: mayRunCommands ? runner : null });
}

function keyOf({ keyVariable, needsKey, baseUrl }: EndpointCoder, found: string | null): string | null {
  const key = found?.trim() ?? '';
  if (key === '') {
    if (!needsKey) return null;
    throw new InputError(
      'KERUTA_ERR_CONFIG_MISSING',
      `the endpoint ${baseUrl} wants a key, and ${keyVariable} is not set; set it, or ${keyVariable}_FILE to a file that has it`,
    );
  }
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new InputError(
    'KERUTA_ERR_CONFIG',
    `${keyVariable} is no key: it has spaces, line ends or characters beyond ASCII; set it to the key alone`,
  );
}
