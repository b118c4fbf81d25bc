import { readFileSync, statSync } from 'node:fs';
import type { TriggerHost } from '../trigger/trigger-type.ts';

/** A file that is larger holds no secret; bytes. */
const maxSecretBytes = 64 * 1024;

/**
 * Makes what triggers get to know of their server.
 * @param options.variable  a variable of the server's environment
 */
export function makeTriggerHost(options: {
  readonly isLoopback: boolean;
  readonly variable: (name: string) => string | undefined;
}): TriggerHost {
  const { isLoopback, variable } = options;
  return {
    isLoopback,
    secret: (ref) => (ref.kind === 'variable' ? variable(ref.name) : readSecret(ref.path)) || null,
  };
}

/** Read each time, so that a new secret counts at once. What cannot be read is no secret. */
function readSecret(path: string): string | undefined {
  try {
    const about = statSync(path);
    if (!about.isFile() || about.size > maxSecretBytes) return undefined;
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch {
    return undefined;
  }
}
