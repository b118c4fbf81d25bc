import { GitError } from './git-error.ts';

/** A repository's address in the only form that is ever handed to git: checked, and without user-info that is secret. */
export interface RepositoryUrl {
  /** https: smart or dumb HTTP over TLS; ssh: also the `git@host:path` form; local: a path or `file://` */
  readonly kind: 'https' | 'ssh' | 'local';
  /** for git's command line and for people; never a password */
  readonly url: string;
  /** lower case; `''` for local ones */
  readonly host: string;
  /** what stood before the `@` of an https address; null when nothing did */
  readonly credentials: RepositoryCredentials | null;
}

/** User-info of an address, decoded. */
export interface RepositoryCredentials {
  readonly username: string;
  /** null: only a name was given */
  readonly password: string | null;
}

const maxUrlBytes = 2048;
/** %00 to %1F and %7F: git decodes them, and protocols of helpers have lines. */
const encodedControl = /%([01][0-9a-f]|7f)/i;
const hostPattern = /^(?!-)[A-Za-z0-9._-]{1,253}$|^\[[0-9A-Fa-f:.]+\]$/;
const userPattern = /^(?!-)[A-Za-z0-9._+~-]{1,64}$/;

/**
 * Checks a repository's address and takes its credentials out. Nothing is looked up.
 *
 * Taken: `https://`, `ssh://`, `user@host:path`; with `allowLocal` also `file:///path` and absolute paths.
 * @throws {GitError} refused; the message does not repeat user-info
 */
export function parseRepositoryUrl(text: string, options: { readonly allowLocal: boolean }): RepositoryUrl {
  if (text === '') refuse(text, 'it is empty');
  if (Buffer.byteLength(text) > maxUrlBytes)
    refuse(text.slice(0, 40), `it is longer than ${maxUrlBytes} bytes`);
  if (/[\p{Cc}\p{Zl}\p{Zp}\s]/u.test(text)) refuse('', 'it holds a space or a control character');
  if (text.startsWith('-')) refuse(text, 'it begins with a dash');
  if (text.includes('::')) {
    if (!/^(https|ssh):\/\/[^/]*\[[0-9A-Fa-f:.]+\]/.test(text))
      refuse(text, 'remote helpers (`name::`) are never run');
  }
  if (text.startsWith('/') || /^file:/i.test(text)) return localUrl(text, options.allowLocal);
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text)) return schemeUrl(text);
  return scpUrl(text);
}

function localUrl(text: string, allowed: boolean): RepositoryUrl {
  if (!allowed) refuse(text, 'repositories at a path or `file://` need --allow-local-git');
  const path = text.startsWith('/') ? text : /^file:\/\/(?:localhost)?(\/.*)$/i.exec(text)?.[1];
  if (path === undefined) refuse(text, 'a file address has the form file:///absolute/path');
  if (path.startsWith('//')) refuse(text, 'a path begins with one slash');
  return { kind: 'local', url: text.startsWith('/') ? path : `file://${path}`, host: '', credentials: null };
}

function schemeUrl(text: string): RepositoryUrl {
  let parsed: URL;
  try {
    parsed = new URL(text);
  } catch {
    refuse(text, 'it is not a URL');
  }
  const kind = parsed.protocol === 'https:' ? 'https' : parsed.protocol === 'ssh:' ? 'ssh' : null;
  if (kind === null) refuse(text, 'only https, ssh and user@host:path are taken');
  if (!hostPattern.test(parsed.hostname)) refuse(text, 'its host is not a host name');
  if (parsed.pathname === '' || parsed.pathname === '/') refuse(text, 'it names no repository on the host');
  if (encodedControl.test(parsed.pathname + parsed.search)) refuse('', 'it holds a control character');
  if (parsed.hash !== '') refuse(text, 'a fragment (#) has no meaning here');
  const username = decode(parsed.username, text);
  const password = decode(parsed.password, text);
  const port = parsed.port === '' ? '' : `:${parsed.port}`;
  const rest = `${parsed.hostname}${port}${parsed.pathname}`;
  const host = parsed.hostname.toLowerCase();
  if (kind === 'ssh') {
    if (password !== '') refuse(text, 'ssh takes no password from an address; use a key');
    if (username !== '' && !userPattern.test(username)) refuse(text, 'its user name has odd characters');
    // git decodes the path before it hands it to ssh
    if (/^\/(~|%7e)?(-|%2d)/i.test(parsed.pathname)) refuse(text, 'its path begins with a dash');
    return { kind, url: `ssh://${username === '' ? '' : `${username}@`}${rest}`, host, credentials: null };
  }
  const credentials =
    username === '' && password === '' ? null : { username, password: password === '' ? null : password };
  return { kind, url: `https://${rest}${parsed.search}`, host, credentials };
}

/** `git@host:path`, which git hands to ssh as well. */
function scpUrl(text: string): RepositoryUrl {
  const match = /^(?:([^@/:]+)@)?(\[[^\]]+\]|[^@/:]+):([^:].*)$/.exec(text);
  const [, user, host, path] = match ?? [];
  if (host === undefined || path === undefined)
    refuse(text, 'expected https://host/path, ssh://host/path or user@host:path');
  if (user === undefined) refuse(text, 'the short ssh form needs a user: user@host:path');
  if (!userPattern.test(user)) refuse(text, 'its user name has odd characters');
  if (!hostPattern.test(host)) refuse(text, 'its host is not a host name');
  if (path.startsWith('-')) refuse(text, 'its path begins with a dash');
  return { kind: 'ssh', url: text, host: host.toLowerCase(), credentials: null };
}

function decode(text: string, whole: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    refuse(whole, 'its user-info is not URL-encoded');
  }
  if (/\p{Cc}/u.test(decoded)) refuse(whole, 'its user-info holds a control character');
  return decoded;
}

function refuse(text: string, why: string): never {
  const shown = text.replace(/^(\w+:\/\/)[^/]*@/, '$1').slice(0, 200);
  throw new GitError('refused', `repository URL ${shown === '' ? '' : `"${shown}" `}is refused: ${why}`);
}
