import { BlockList, isIP } from 'node:net';
import { InputError } from '../domain/errors.ts';

/**
 * Reads a list of proxies.
 * @returns whether an address is one of them
 * @throws {InputError} KERUTA_ERR_CONFIG for an entry that is neither an address nor a network
 */
export function readTrustedProxies(entries: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const entry of entries) addEntry(list, entry);
  return (address) => {
    const plain = plainAddress(address);
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4');
  };
}

/**
 * The address of a client, for the record.
 * @param named  what the connection or a trusted proxy says; a proxy may pass on anything
 * @param own    of the connection itself; stands in for what is no address
 * @returns an IP address without zone; undefined when there is none, as behind a socket that was closed
 */
export function clientAddress(named: string | undefined, own: string | undefined): string | undefined {
  for (const one of [named, own]) {
    const plain = plainAddress(one ?? '')
      .replace(/%.*$/, '')
      .toLowerCase();
    if (isIP(plain) !== 0) return plain;
  }
  return undefined;
}

/** Whether an address is of this machine itself. */
export function isLoopback(address: string): boolean {
  const plain = plainAddress(address);
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

/** An IPv4 address as it is, also when a socket of both families gives it as `::ffff:1.2.3.4`. */
export function plainAddress(address: string): string {
  return address.toLowerCase().startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

function addEntry(list: BlockList, entry: string): void {
  const [address = '', bits, ...rest] = entry.split('/');
  const family = isIP(address);
  const most = family === 6 ? 128 : 32;
  const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (family === 0 || rest.length > 0 || !(length <= most)) {
    throw new InputError(
      'KERUTA_ERR_CONFIG',
      `A trusted proxy is an address or a network such as 10.0.0.1 or 10.0.0.0/8; got ${JSON.stringify(entry)}.`,
    );
  }
  list.addSubnet(address, length, family === 6 ? 'ipv6' : 'ipv4');
}
