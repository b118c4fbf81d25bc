import { randomBytes, randomUUID } from 'node:crypto';

/** Chance as a thing that is passed in, so that tests own it. */
export interface Random {
  /** A UUIDv4. */
  uuid4(): string;
  /** A UUIDv7, which sorts by time. @param now epoch ms */
  uuid7(now: number): string;
  /** Unguessable bytes as base64url without padding. @param bytes how many bytes of chance */
  secret(bytes: number): string;
  /** A number in [0, 1), for jitter only. */
  fraction(): number;
}

/** The machine's own source of chance. */
export const systemRandom: Random = {
  uuid4: () => randomUUID(),
  uuid7: (now) => formatUuid7(now, randomBytes(10)),
  secret: (bytes) => randomBytes(bytes).toString('base64url'),
  fraction: () => randomBytes(4).readUInt32BE() / 2 ** 32,
};

/**
 * Builds a UUIDv7 from a time and ten random bytes.
 * @see RFC 9562, section 5.7
 */
export function formatUuid7(now: number, chance: Uint8Array): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes.set(chance, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
