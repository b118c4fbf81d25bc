import { GitError } from './git-error.ts';

/** What somebody wants checked out, after validation. */
export type WantedRef =
  /** a commit id: 40 or 64 lower-case hex digits */
  | { readonly kind: 'commit'; readonly id: string }
  /** `refs/heads/…` or `refs/tags/…`, as written */
  | { readonly kind: 'full'; readonly name: string }
  /** a short name: a branch, else a tag */
  | { readonly kind: 'short'; readonly name: string }
  /** the remote's own default branch */
  | { readonly kind: 'head' };

const maxRefBytes = 255;

/**
 * Checks a ref that came from outside: the rules of `git check-ref-format`, plus no component that begins with a dash
 * (which git itself allows, and which options are made of). Pure.
 * @throws {GitError} refused
 * @see git's refs.c, check_refname_format
 */
export function parseRef(text: string): WantedRef {
  if (/^[0-9a-fA-F]{40}$|^[0-9a-fA-F]{64}$/.test(text)) return { kind: 'commit', id: text.toLowerCase() };
  if (text === 'HEAD') return { kind: 'head' };
  const fault = refFault(text);
  if (fault !== null)
    throw new GitError('refused', `ref ${JSON.stringify(text.slice(0, 80))} is refused: ${fault}`);
  if (!text.startsWith('refs/')) return { kind: 'short', name: text };
  if (/^refs\/(heads|tags)\/./.test(text)) return { kind: 'full', name: text };
  throw new GitError(
    'refused',
    `ref "${text.slice(0, 80)}" is refused: only refs/heads/ and refs/tags/ are taken`,
  );
}

/**
 * What is wrong with a ref name; null when it may be used.
 * @param text short or full, such as `main` or `refs/heads/main`
 */
export function refFault(text: string): string | null {
  if (text === '') return 'it is empty';
  if (Buffer.byteLength(text) > maxRefBytes) return `it is longer than ${maxRefBytes} bytes`;
  if (/\p{Cc}/u.test(text)) return 'it holds a control character';
  if (/[\p{Z}\uFFFD]/u.test(text)) return 'it holds a space';
  const special = /[~^:?*[\\]/.exec(text)?.[0];
  if (special !== undefined) return `it holds "${special}"`;
  if (text.includes('..')) return 'it holds ".."';
  if (text.includes('@{')) return 'it holds "@{"';
  if (text === '@') return 'a single "@" is no name';
  if (text.startsWith('/') || text.endsWith('/') || text.includes('//')) return 'it has an empty component';
  if (text.endsWith('.')) return 'it ends with a dot';
  for (const component of text.split('/')) {
    if (component.startsWith('-')) return 'a component begins with a dash';
    if (component.startsWith('.')) return 'a component begins with a dot';
    if (component.endsWith('.lock')) return 'a component ends with ".lock"';
  }
  return null;
}
