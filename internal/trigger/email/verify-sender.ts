/** Whether somebody who can know says that a message is from whom it says it is. */
import type { Mail } from '../../../pkg/mail/read-mail.ts';
import { readAuthenticationResults } from './authentication-results.ts';

/** Who wrote a message, and whether that is certain. */
export type Sender =
  | { readonly isVerified: true; readonly address: string }
  | {
      readonly isVerified: false;
      /** `''` when the message names none, or several */
      readonly address: string;
      /** why not */
      readonly why: string;
    };

/**
 * Looks at the author of a message. Believed is only the uppermost Authentication-Results, and only when it is of the named
 * server: what stands further down was there before that server saw the message, so its sender may have written it.
 */
export function verifySender(
  { headers, from }: Pick<Mail, 'headers' | 'from'>,
  authservId: string | null,
): Sender {
  const [author, ...others] = from;
  const address = others.length === 0 ? (author?.address ?? '').toLowerCase() : '';
  const at = address.lastIndexOf('@');
  const not = (why: string) => ({ isVerified: false, address, why }) as const;
  if (at < 1) return not(others.length > 0 ? 'it names several authors' : 'it names no author');
  if (authservId === null) return not('no server is named that could have checked it');
  const uppermost = headers.find(({ name }) => name === 'authentication-results');
  if (uppermost === undefined) return not('it has no Authentication-Results');
  const read = readAuthenticationResults(uppermost.value);
  if (read === null) return not('its Authentication-Results cannot be read');
  if (read.authservId !== authservId.toLowerCase())
    return not(`its Authentication-Results are not of ${authservId}`);
  const domain = address.slice(at + 1);
  const all = read.results;
  if (all.some(({ method, result }) => method === 'dmarc' && result !== 'pass' && result !== 'none'))
    return not('DMARC did not pass');
  const passed = all.filter(({ result }) => result === 'pass');
  const found = passed.some(({ method, properties }) => {
    const named = (name: string) => domainOf(properties.get(name) ?? '');
    if (method === 'dmarc') return named('header.from') === domain;
    if (method === 'dkim') return isAligned(domain, named('header.d') || named('header.i'));
    return method === 'spf' && named('smtp.mailfrom') === domain;
  });
  return found ? { isVerified: true, address } : not(`neither DMARC nor DKIM nor SPF passed for ${domain}`);
}

function domainOf(text: string): string {
  return text
    .slice(text.lastIndexOf('@') + 1)
    .toLowerCase()
    .replace(/\.$/, '');
}

/** A domain may sign for those below it. */
function isAligned(domain: string, signer: string): boolean {
  return signer.includes('.') && (domain === signer || domain.endsWith(`.${signer}`));
}
