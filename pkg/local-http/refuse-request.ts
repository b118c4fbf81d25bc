/** Why a request is not answered. */
export interface Refusal {
  readonly status: 403 | 421;
  readonly json: { readonly error: string };
}

/**
 * Whether a request must not be answered because of where it says it goes to or comes from: a name that leads to this
 * machine by somebody else's DNS, or a page of another site.
 *
 * @param headers  with names in lower case
 * @param hosts  what the server listens on; allowed beside the loopback names
 */
export function refuseRequest(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  hosts: readonly string[],
): Refusal | null {
  const name = typeof headers.host === 'string' ? hostName(headers.host) : null;
  if (name === null || ![...loopbackNames, ...hosts.map((host) => host.toLowerCase())].includes(name)) {
    return { status: 421, json: { error: 'the Host header does not name this server' } };
  }
  const site = headers['sec-fetch-site'];
  if (headers.origin !== undefined || (site !== undefined && site !== 'same-origin' && site !== 'none')) {
    return { status: 403, json: { error: 'requests from web pages are refused' } };
  }
  return null;
}

/** Names and addresses that mean this machine only. */
export const loopbackNames: readonly string[] = ['127.0.0.1', '::1', 'localhost'];

/** The name in a Host header, without port and brackets; null when it is none. */
export function hostName(header: string | undefined): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]/@\s]+))(?::\d{1,5})?$/i.exec(header ?? '');
  return (match?.[1] ?? match?.[2] ?? null)?.toLowerCase() ?? null;
}
