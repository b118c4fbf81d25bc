import { passwordsOf } from '../../pkg/redact/passwords-of.ts';
import { DeniedError } from '../domain/errors.ts';

/**
 * Sees to it that a repository is one that this agent may work on.
 * @param allowed  prefixes of addresses; null = any
 * @throws {DeniedError} KERUTA_ERR_POLICY
 */
export function refuseForeign(url: string, allowed: readonly string[] | null): void {
  if (allowed === null || allowed.some((prefix) => isBelow(plainUrl(url), prefix))) return;
  throw new DeniedError(
    'KERUTA_ERR_POLICY',
    `This agent may not work on ${plainUrl(url)}. Allowed are: ${allowed.join(', ') || 'none'}; ` +
      'add it to the allowed repositories of the agent.',
  );
}

/** Whether a URL is the prefix or below it; `…/team` does not allow `…/team-two`. */
function isBelow(url: string, prefix: string): boolean {
  if (!url.startsWith(prefix)) return false;
  const next = url.charAt(prefix.length);
  return next === '' || prefix.endsWith('/') || next === '/' || url.slice(prefix.length) === '.git';
}

/** The URL without credentials, to compare and to show. */
function plainUrl(url: string): string {
  const hasSecret = /^https?:/i.test(url) || passwordsOf(url).length > 0;
  return !hasSecret ? url : url.replace(/\/\/[^/@]*@/, '//');
}
