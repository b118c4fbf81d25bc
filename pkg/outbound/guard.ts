/**
 * Keeps a program from being made to call places that only it can reach. A host is looked at twice: by its name or literal
 * address before anything is looked up, and by every address that its name leads to when a connection is made. The connection
 * goes to an address that was checked: a name that leads elsewhere a moment later changes nothing.
 */
import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { specialAddress } from './address.ts';
import { addressDenied } from './denied.ts';

/** Says which hosts may be called. */
export interface OutboundGuard {
  /** Why a host is not called, before it is looked up; null = it may be. @param host  a name, or an address, also in brackets */
  fault(host: string): string | null;
  /** Looks a name up for a connection; fails with `addressDenied` when it leads to an address that is refused. */
  readonly lookup: LookupFunction;
}

/** Names under which clouds tell machines about themselves, and machines call themselves. */
const specialNames: readonly RegExp[] = [
  /^(.+\.)?localhost(\.localdomain)?$/,
  /^(ip6-)?(localhost|loopback)$/,
  /^metadata(\.google\.internal|\.goog)?$/,
  /^instance-data(\.ec2\.internal)?$/,
];

/** Looks all addresses of a name up; the system's, unless a test has another one. */
export type Resolve = (
  name: string,
  done: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void;

const resolveBySystem: Resolve = (name, done) => lookup(name, { all: true, verbatim: true }, done);

/**
 * Makes a guard.
 * @param allow  what is called all the same: names, addresses, networks such as `10.1.0.0/16`
 * @throws {RangeError} that names what is none of these
 */
export function makeGuard(allow: readonly string[], resolve: Resolve = resolveBySystem): OutboundGuard {
  const allowed = readAllowed(allow);
  const isAllowedName = (name: string) => allowed.names.has(name);
  const addressFault = (address: string) => (allowed.hasAddress(address) ? null : specialAddress(address));
  return {
    fault: (host) => {
      const name = plainHost(host);
      if (isAllowedName(name)) return null;
      if (isIP(name.split('%')[0] ?? '') !== 0) return addressFault(name);
      return specialNames.some((pattern) => pattern.test(name)) ? 'the machine itself' : null;
    },
    lookup: (hostname, options, callback) => {
      resolve(hostname, (error, found) => {
        if (error) return callback(error, '');
        const name = plainHost(hostname);
        const bad = isAllowedName(name)
          ? undefined
          : found.find(({ address }) => addressFault(address) !== null);
        if (bad !== undefined) return callback(denied(name), '');
        const { family = 0 } = options;
        const wanted = found.filter((one) => family === 0 || one.family === Number(String(family).at(-1)));
        const [first] = wanted;
        if (first === undefined) return callback(notFound(name), '');
        if (options.all) callback(null, wanted);
        else callback(null, first.address, first.family);
      });
    },
  };
}

/** In lower case, without the brackets of IPv6 and the dot at the end. */
function plainHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

function denied(name: string): NodeJS.ErrnoException {
  // the address itself is not told: whoever chose the name is not to learn where it leads
  return Object.assign(new Error(`${name} leads to an address that is not called`), { code: addressDenied });
}

function notFound(name: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${name} has no address`), { code: 'ENOTFOUND' });
}

interface Allowed {
  readonly names: ReadonlySet<string>;
  hasAddress(address: string): boolean;
}

function readAllowed(entries: readonly string[]): Allowed {
  const names = new Set<string>();
  const lists = { 4: new BlockList(), 6: new BlockList() };
  for (const entry of entries) {
    const [host = '', bits, more] = entry.trim().split('/');
    const name = plainHost(host);
    const family = isIP(name);
    if (family === 4 || family === 6) {
      const most = family === 4 ? 32 : 128;
      const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
      if (more !== undefined || !(prefix <= most)) throw notAllowable(entry);
      lists[family].addSubnet(name, prefix, family === 4 ? 'ipv4' : 'ipv6');
      // an address that is allowed is allowed by the name that is written like it
      if (prefix === most) names.add(name);
    } else if (bits === undefined && /^[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9])?$/.test(name)) names.add(name);
    else throw notAllowable(entry);
  }
  return {
    names,
    hasAddress: (address) => {
      const [plain = ''] = address.split('%');
      const family = isIP(plain);
      if (family !== 4 && family !== 6) return false;
      return lists[family].check(plain, family === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

function notAllowable(entry: string): RangeError {
  return new RangeError(
    `expected a name, an address or a network such as 10.1.0.0/16; got ${JSON.stringify(entry.slice(0, 100))}`,
  );
}
