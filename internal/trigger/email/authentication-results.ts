/**
 * Reads what a mail server found out about the sender of a message.
 * @see RFC 8601, section 2.2
 */

/** One method and what came of it. */
export interface AuthenticationResult {
  /** `dmarc`, `dkim`, `spf`, …; in lower case */
  readonly method: string;
  /** `pass`, `fail`, `none`, …; in lower case */
  readonly result: string;
  /** such as `header.from` to `example.com`; names in lower case */
  readonly properties: ReadonlyMap<string, string>;
}

/** A header that was read. */
export interface AuthenticationResults {
  /** who says so; in lower case */
  readonly authservId: string;
  readonly results: readonly AuthenticationResult[];
}

/** Longest header that is read; characters. */
const maxHeaderChars = 16_384;

/** Reads the value of a header; null when it is none. */
export function readAuthenticationResults(value: string): AuthenticationResults | null {
  if (value.length > maxHeaderChars) return null;
  const [first = [], ...rest] = clausesOf(value);
  const [authservId, version, ...more] = first;
  if (authservId === undefined || more.length > 0) return null;
  if (version !== undefined && version !== '1') return null;
  const results = rest.map(resultOf).filter((one) => one !== null);
  return { authservId: authservId.toLowerCase(), results };
}

/** `dkim=pass header.d=example.com`; `none` alone, or what is not understood, is no result. */
function resultOf(words: readonly string[]): AuthenticationResult | null {
  const [head, ...rest] = pairsOf(words);
  if (head === undefined || head.value === '') return null;
  // a method may name its version: dkim/1
  const method = head.name.split('/')[0] ?? '';
  const properties = new Map<string, string>();
  for (const { name, value } of rest) if (!properties.has(name)) properties.set(name, value);
  return { method, result: head.value.toLowerCase(), properties };
}

/** `name=value`, with white space around the sign or without. */
function pairsOf(words: readonly string[]) {
  const pairs: { readonly name: string; readonly value: string }[] = [];
  for (let i = 0; i < words.length; i++) {
    let word = words[i] ?? '';
    if (!word.includes('=') && words[i + 1]?.startsWith('=')) word += words[++i] ?? '';
    if (word.indexOf('=') === word.length - 1 && words[i + 1]?.includes('=') === false)
      word += words[++i] ?? '';
    const at = word.indexOf('=');
    const name = (at === -1 ? word : word.slice(0, at)).toLowerCase();
    pairs.push({ name, value: at === -1 ? '' : word.slice(at + 1) });
  }
  return pairs;
}

/** Words between semicolons. Comments, which may be nested, are left out; quotes are taken off. */
function clausesOf(value: string): readonly (readonly string[])[] {
  const clauses: string[][] = [[]];
  let word = '';
  let depth = 0;
  let isQuoted = false;
  const endWord = () => {
    if (word !== '') clauses.at(-1)?.push(word);
    word = '';
  };
  for (let i = 0; i < value.length; i++) {
    const letter = value[i] ?? '';
    if (letter === '\\' && (isQuoted || depth > 0)) {
      i += 1;
      if (isQuoted) word += value[i] ?? '';
    } else if (isQuoted) {
      if (letter === '"') isQuoted = false;
      else word += letter;
    } else if (letter === '(') depth += 1;
    else if (depth > 0) depth -= letter === ')' ? 1 : 0;
    else if (letter === '"') isQuoted = true;
    else if (letter === ';') {
      endWord();
      clauses.push([]);
    } else if (/\s/.test(letter)) endWord();
    else word += letter;
  }
  endWord();
  return clauses;
}
