import { randomBytes, randomFillSync, randomUUID } from 'node:crypto';

/** Chance as a thing that is passed in, so that tests own it. */
export interface Random {
  /** A UUIDv4. */
  uuid4(): string;
  /** A UUIDv7, which sorts by time, and within one ms in the order of the calls. @param now epoch ms */
  uuid7(now: number): string;
  /** Unguessable bytes as base64url without padding. @param bytes how many bytes of chance */
  secret(bytes: number): string;
  /** A number in [0, 1), for jitter only. */
  fraction(): number;
}

interface Identity {
  readonly now: number;
  readonly chance: Buffer;
}

let newest: Identity = { now: -1, chance: Buffer.alloc(10) };

/** The machine's own source of chance. */
export const systemRandom: Random = {
  uuid4: () => randomUUID(),
  uuid7: (now) => {
    newest = successorOf(newest, now);
    return formatUuid7(newest.now, newest.chance);
  },
  secret: (bytes) => randomBytes(bytes).toString('base64url'),
  fraction: () => randomBytes(4).readUInt32BE() / 2 ** 32,
};

/** Bytes of chance that were asked for at once: asking costs more than the bytes. Each is given away once. */
const pool = Buffer.alloc(4096);
let given = pool.length;

function someBytes(count: number): Buffer {
  if (given + count > pool.length) {
    randomFillSync(pool);
    given = 0;
  }
  given += count;
  return Buffer.from(pool.subarray(given - count, given));
}

/** A clock that went back further than this is believed; less is a step of its adjustment. ms */
const smallStepMs = 10_000;

/**
 * What follows: fresh chance in a new ms; within the same one, or a little before it, the last value and a step of
 * chance size, which keeps it unguessable.
 * @see RFC 9562, section 6.2
 */
function successorOf(last: Identity, now: number): Identity {
  if (now > last.now || now < last.now - smallStepMs) return { now, chance: someBytes(10) };
  // the last six bytes lie behind the bits that version and variant overwrite
  const next = last.chance.readUIntBE(4, 6) + 1 + someBytes(4).readUInt32BE();
  if (next >= 2 ** 48) return { now: last.now + 1, chance: someBytes(10) };
  const chance = Buffer.from(last.chance);
  chance.writeUIntBE(next, 4, 6);
  return { now: last.now, chance };
}

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
