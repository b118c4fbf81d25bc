/** Masks what clients say about runs, after they have masked it themselves: who forgets to, or does not know how, is caught. */
import { minSecretBytes } from '../../pkg/redact/forms.ts';
import { maskPasswords } from '../../pkg/redact/passwords-of.ts';
import { maskOf } from '../../pkg/redact/redactor.ts';
import { tokenPrefixes } from './tokens.ts';

/** Shortest secret of the server's own that is looked for; bytes. A database's password `keruta` would mask its name everywhere. */
const minOwnBytes = 8;

/** Masks the secrets that the server knows, its own tokens and GitHub's, and passwords in addresses. */
export interface SecondMask {
  /** Every byte of a secret becomes `*`. */
  text(text: string): string;
  /** Masks every text in a JSON-safe value, but for fields that are not for reading; the same value when there is nothing. */
  deep<T>(value: T): T;
}

/** Fields that a program reads: a mask in them would break it, and an agent has masked what is to be read. */
const forPrograms: ReadonlySet<string> = new Set(['script', 'choices', 'key']);

/** By their beginnings, since nobody keeps the tokens themselves. GitHub's are lent by the server. */
const tokens = new RegExp(
  `(?:${Object.values(tokenPrefixes).join('|')})[\\w-]{20,}|gh[opsru]_[A-Za-z0-9]{30,}|github_pat_\\w{50,}`,
  'g',
);
const tokenHints = ['krt_', 'ghp_', 'gho_', 'ghs_', 'ghu_', 'ghr_', 'github_pat_'];
/** Much faster than to look for whole addresses; most have nobody's name in them. */
const addressHint = /:\/\/[^/@\s]*@/;

/** The mask of a server; without secrets of its own when it has none. */
export function secondMaskOf({ secondMask }: { readonly secondMask?: SecondMask }): SecondMask {
  return secondMask ?? makeSecondMask([]);
}

/** @param own  secrets of the server; those under 8 bytes are passed over */
export function makeSecondMask(own: readonly string[]): SecondMask {
  const long = own.filter((value) => Buffer.byteLength(value) >= minOwnBytes);
  const maskOwn = maskOf(long);
  const text = (given: string): string => {
    if (given.length < minSecretBytes) return given;
    let masked = long.length === 0 ? given : maskOwn(given);
    if (tokenHints.some((hint) => masked.includes(hint))) masked = masked.replace(tokens, stars);
    return addressHint.test(masked) ? maskPasswords(masked) : masked;
  };
  return {
    text,
    deep: (value) => {
      const texts: string[] = [];
      collect(value, texts);
      // one look at all of them: a batch has thousands, and seldom anything in them
      const all = texts.join('\n');
      return text(all) === all ? value : (maskIn(value, text) as typeof value);
    },
  };
}

const stars = (found: string) => '*'.repeat(found.length);

function collect(value: unknown, into: string[]): void {
  if (typeof value === 'string') into.push(value);
  else if (typeof value === 'object' && value !== null)
    for (const name in value) if (!forPrograms.has(name)) collect(value[name as keyof typeof value], into);
}

function maskIn(value: unknown, text: SecondMask['text']): unknown {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return value.map((item) => maskIn(item, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, forPrograms.has(name) ? item : maskIn(item, text)]),
  );
}
