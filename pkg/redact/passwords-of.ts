import { minSecretBytes } from './forms.ts';

/** An address with somebody's name in it. The length of a scheme is limited, so that a long text takes no longer. */
const address = /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{0,30}):\/\/([^/@\s:]*)(?::([^/@\s]*))?@/gi;

/**
 * The password part of every URL in a text, as it stands there and decoded; of `https://token@host` the user part, when
 * it is as long as a token.
 */
export function passwordsOf(text: string): readonly string[] {
  const found = [...text.matchAll(address)].flatMap(([, scheme = '', user = '', password = '']) => {
    if (password !== '') return [password, decoded(password)];
    return /^https?$/i.test(scheme) && Buffer.byteLength(user) >= minSecretBytes ? [user, decoded(user)] : [];
  });
  return [...new Set(found)];
}

/** A text with stars in the place of each password that `passwordsOf` finds and that is long enough to be one. */
export function maskPasswords(text: string): string {
  // each where it stands: to look for every one everywhere would take a text of many addresses for ever
  return text.replace(address, (whole, scheme: string, user: string, password = '') => {
    const [secret] = passwordsOf(whole);
    if (secret === undefined || Buffer.byteLength(secret) < minSecretBytes) return whole;
    const stars = '*'.repeat(Buffer.byteLength(secret));
    return password === '' ? `${scheme}://${stars}@` : `${scheme}://${user}:${stars}@`;
  });
}

/** A text without its `%XX`; as it is when they mean nothing. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
