/**
 * Which addresses a program may call in the name of somebody else: those of the open internet. Pure.
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry
 */
import { BlockList, isIP } from 'node:net';

type Row = readonly [network: string, bits: number, what: string];

/** Addresses of IPv4 that lead somewhere else than to the open internet. */
const special4: readonly Row[] = [
  ['0.0.0.0', 8, 'this machine'],
  ['10.0.0.0', 8, 'a private network'],
  ['100.64.0.0', 10, 'a network of a provider'],
  ['127.0.0.0', 8, 'loopback'],
  // clouds answer at 169.254.169.254 with credentials
  ['169.254.0.0', 16, 'link-local'],
  ['172.16.0.0', 12, 'a private network'],
  ['192.0.0.0', 24, 'reserved'],
  ['192.0.2.0', 24, 'for documentation'],
  ['192.88.99.0', 24, 'reserved'],
  ['192.168.0.0', 16, 'a private network'],
  ['198.18.0.0', 15, 'for measurements'],
  ['198.51.100.0', 24, 'for documentation'],
  ['203.0.113.0', 24, 'for documentation'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved'],
];

/** Likewise of IPv6; whatever has an address of IPv4 inside is refused as such. */
const special6: readonly Row[] = [
  ['::1', 128, 'loopback'],
  ['::ffff:0:0', 96, 'an address of IPv4 in another form'],
  ['::', 96, 'this machine, or an address of IPv4 in another form'],
  ['64:ff9b::', 96, 'an address of IPv4 in another form'],
  ['64:ff9b:1::', 48, 'an address of IPv4 in another form'],
  ['100::', 64, 'reserved'],
  ['2001::', 23, 'reserved'],
  ['2001:db8::', 32, 'for documentation'],
  ['2002::', 16, 'an address of IPv4 in another form'],
  ['3fff::', 20, 'for documentation'],
  ['5f00::', 16, 'reserved'],
  ['fc00::', 7, 'a private network'],
  ['fe80::', 10, 'link-local'],
  ['fec0::', 10, 'a private network'],
  ['ff00::', 8, 'multicast'],
];

// one list for each kind: a list of both takes addresses of the one for addresses of the other
const lists = { 4: special4.map(listOf('ipv4')), 6: special6.map(listOf('ipv6')) } as const;

function listOf(family: 'ipv4' | 'ipv6') {
  return ([network, bits, what]: Row) => {
    const list = new BlockList();
    list.addSubnet(network, bits, family);
    return { list, what };
  };
}

/**
 * What an address is, when it is not one of the open internet.
 * @param address  as text, without brackets; with a zone behind `%` it is link-local
 * @returns null = it is
 */
export function specialAddress(address: string): string | null {
  const [plain = ''] = address.split('%');
  const family = isIP(plain);
  if (family !== 4 && family !== 6) return 'no address';
  const found = lists[family].find(({ list }) => list.check(plain, family === 4 ? 'ipv4' : 'ipv6'));
  return found?.what ?? (plain === address ? null : 'link-local');
}
