/** Which values of an environment are secrets, so that they are masked wherever they turn up. Pure. */

/** Shortest value that is masked; bytes. Shorter ones would mask half of every text. */
export const minSecretBytes = 6;

const secretName = /(TOKEN|SECRET|PASSWORD|PASSWD|_KEY|CREDENTIAL|DSN)/i;
/** Names that match and yet hold no secret: paths and switches. */
const harmlessName = /(_FILE|_PATH|_DIR|_SOCK)$/i;

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
  const values = new Set<string>();
  const tooShort: string[] = [];
  for (const token of tokens) if (token !== '') values.add(token);
  for (const [name, value = ''] of Object.entries(env)) {
    if (value === '') continue;
    for (const part of passwordsOf(value)) values.add(part);
    if (!secretName.test(name) || harmlessName.test(name)) continue;
    if (Buffer.byteLength(value) < minSecretBytes) tooShort.push(name);
    else values.add(value);
  }
  return {
    values: [...values].filter((value) => Buffer.byteLength(value) >= minSecretBytes),
    tooShort,
  };
}

/** The password part of a URL, as it stands there and decoded; of `https://token@host` the user part. At most one URL. */
export function passwordsOf(text: string): readonly string[] {
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/@\s:]*)(?::([^/@\s]*))?@/i.exec(text);
  if (!match) return [];
  const [, scheme = '', user = '', password = ''] = match;
  const secret = password === '' && /^https?$/i.test(scheme) ? user : password;
  if (secret === '') return [];
  try {
    return [...new Set([secret, decodeURIComponent(secret)])];
  } catch {
    return [secret];
  }
}
