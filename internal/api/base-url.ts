import { InputError } from '../domain/errors.ts';

/** What all paths of the API begin with. */
export const apiPrefix = '/api/v1';

/**
 * Brings the configured address of the API into one form: scheme, host and an optional path in front of `/api/v1`,
 * which is taken off when it is there; no slash at the end, no query.
 *
 * @throws {InputError} KERUTA_ERR_BAD_VALUE when it is no http(s) address or carries a user name or password
 */
export function normalizeBaseUrl(text: string): string {
  const hint = 'Give it like http://127.0.0.1:8585 (KERUTA_API_URL or --api-url).';
  const url = URL.parse(text.trim());
  const shown = withoutPasswords(text);
  if (url === null || url.host === '')
    throw new InputError('KERUTA_ERR_BAD_VALUE', `The API address "${shown}" is not a URL. ${hint}`);
  if (url.username !== '' || url.password !== '')
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `The API address of ${url.host} carries a user name or password; that is not taken. ` +
        'Put the token into KERUTA_API_TOKEN or KERUTA_API_TOKEN_FILE.',
    );
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `The API address "${shown}" is of kind "${url.protocol}"; expected http: or https:. ${hint}`,
    );
  const path = url.pathname.replace(/\/{2,}/g, '/').replace(/\/+$/, '');
  return url.origin + (path.endsWith(apiPrefix) ? path.slice(0, -apiPrefix.length) : path);
}

/** Whatever stands in front of an @ may be a password, even where the rest cannot be read. */
function withoutPasswords(text: string): string {
  const parts = text.split(/([/\s])/);
  return parts
    .map((part) => (part.includes('@') ? `***${part.slice(part.lastIndexOf('@'))}` : part))
    .join('');
}

/**
 * Makes a path below `/api/v1` from its parts: each is percent-encoded, so that an id stays one part.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE for a part that is empty, `.` or `..`, which would mean another address, or
 *         that is no Unicode text
 */
export function apiPath(...parts: readonly (string | number)[]): string {
  return [apiPrefix, ...parts.map((part) => encodePart(String(part)))].join('/');
}

function encodePart(part: string): string {
  if (/^\.{0,2}$/.test(part) || !part.isWellFormed())
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `"${part}" is not an id; expected one such as \`task list\` shows.`,
    );
  return encodeURIComponent(part);
}
