/** Which values of an environment are secrets, so that they are masked wherever they turn up. Pure. */
import { minSecretBytes } from '../../pkg/redact/forms.ts';
import { decoded, passwordsOf } from '../../pkg/redact/passwords-of.ts';

const secretName = /(TOKEN|SECRET|PASSWORD|PASSWD|_KEY|CREDENTIAL|DSN)/i;
/** Holds `name=value,name=value`, and the values are what lets somebody in. */
const headersName = /_OTLP_(\w+_)?HEADERS$/i;
/** Names that match and yet hold no secret: paths and switches. */
const harmlessName = /(_FILE|_PATH|_DIR|_SOCK)$/i;

/** Whether a variable is named as one that holds a secret. */
export function isSecretName(name: string): boolean {
  return secretName.test(name) && !harmlessName.test(name);
}

/** What is masked. */
export interface Secrets {
  readonly values: readonly string[];
  /** names of variables that look secret and whose value is too short to be masked */
  readonly tooShort: readonly string[];
}

/**
 * Collects the secrets: the tokens given, variables named like one, the password part of every URL.
 * @param tokens  the agent's and the task's own
 */
export function secretsOf(
  env: Readonly<Record<string, string | undefined>>,
  tokens: readonly string[],
): Secrets {
  const values = new Set<string>(tokens);
  const tooShort = new Set<string>();
  for (const [name, value = ''] of Object.entries(env)) {
    const isSecret = isSecretName(name);
    const found = [
      ...(isSecret ? [value] : headersName.test(name) ? headerValues(value) : []),
      ...passwordsOf(value),
    ];
    for (const part of found) {
      if (isLong(part)) values.add(part);
      else if (part !== '') tooShort.add(name);
    }
  }
  return { values: [...values].filter(isLong), tooShort: [...tooShort] };
}

function headerValues(text: string): readonly string[] {
  return text.split(',').flatMap((pair) => {
    const value = pair.slice(pair.indexOf('=') + 1).trim();
    return [value, decoded(value)];
  });
}

function isLong(value: string): boolean {
  return Buffer.byteLength(value) >= minSecretBytes;
}
