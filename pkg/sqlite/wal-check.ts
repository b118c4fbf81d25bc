/**
 * Finds out whether the log of changes (WAL) beside a database lost something that was committed. SQLite itself takes
 * the first frame that does not fit for the end, and all behind it is gone without a word.
 *
 * What was committed stands in the index that the processes of one boot share (`-shm`): the number of the last frame,
 * written after that frame was flushed. After a power loss the index is stale or not there; then nothing is judged.
 *
 * @see https://www.sqlite.org/walformat.html
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const headerBytes = 32;
const frameHeaderBytes = 24;
/** Of the index: its header comes twice, then the number of frames that are in the database already. */
const indexHeaderBytes = 48;
const formatVersion = 3_007_000;

/** What is missing of the WAL of a database file; null when nothing is, or nothing can be said. */
export function findWalLoss(file: string): string | null {
  const index = readIndex(`${file}-shm`);
  if (index === null || index.lastFrame <= index.copiedFrames) return null;
  const wal = openOrNull(`${file}-wal`);
  if (wal === null) return `its log ${file}-wal is gone, with changes that only it held`;
  try {
    const whole = countWholeFrames(wal, index);
    if (whole === null || whole >= index.lastFrame) return null;
    return `of the ${index.lastFrame} changed pages in its log ${file}-wal only the first ${whole} can be read`;
  } finally {
    closeSync(wal);
  }
}

interface WalIndex {
  /** number of the last committed frame, from 1 */
  readonly lastFrame: number;
  /** frames that were copied into the database */
  readonly copiedFrames: number;
  /** 8 bytes that the WAL's header and each of its frames carry too */
  readonly salt: Buffer;
}

/** The index; null when there is none, or it is not whole. Its numbers are in the order of the machine. */
function readIndex(path: string): WalIndex | null {
  const handle = openOrNull(path);
  if (handle === null) return null;
  const bytes = Buffer.alloc(2 * indexHeaderBytes + 4);
  const read = readSync(handle, bytes, 0, bytes.length, 0);
  closeSync(handle);
  const [first, second] = [bytes.subarray(0, indexHeaderBytes), bytes.subarray(indexHeaderBytes)];
  const isWhole = read === bytes.length && first.equals(second.subarray(0, indexHeaderBytes));
  if (!isWhole || first.readUInt32LE(0) !== formatVersion || first[12] !== 1) return null;
  return {
    lastFrame: first.readUInt32LE(16),
    copiedFrames: second.readUInt32LE(indexHeaderBytes),
    salt: first.subarray(32, 40),
  };
}

/** How many frames fit, from the first on; null when the index is about an earlier WAL than this one. */
function countWholeFrames(wal: number, { lastFrame, salt }: WalIndex): number | null {
  const bytes = readFileSync(wal);
  if (bytes.length < headerBytes) return 0;
  if (!bytes.subarray(16, 24).equals(salt)) return null;
  const magic = bytes.readUInt32BE(0);
  const sum = new WalSum((magic & 1) === 0);
  sum.add(bytes.subarray(0, 24));
  const frameBytes = frameHeaderBytes + bytes.readUInt32BE(8);
  for (let frame = 0; frame < lastFrame; frame++) {
    const at = headerBytes + frame * frameBytes;
    if (at + frameBytes > bytes.length) return frame;
    sum.add(bytes.subarray(at, at + 8));
    sum.add(bytes.subarray(at + frameHeaderBytes, at + frameBytes));
    const fits = bytes.subarray(at + 8, at + 16).equals(salt) && sum.is(bytes.subarray(at + 16, at + 24));
    if (!fits) return frame;
  }
  return lastFrame;
}

/** The running checksum of a WAL: two sums over pairs of 32-bit words. */
class WalSum {
  readonly #littleEndian: boolean;
  #first = 0;
  #second = 0;

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian;
  }

  /** @param bytes  a multiple of 8 long */
  add(bytes: Buffer): void {
    const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < bytes.length; at += 8) {
      this.#first = (this.#first + words.getUint32(at, this.#littleEndian) + this.#second) >>> 0;
      this.#second = (this.#second + words.getUint32(at + 4, this.#littleEndian) + this.#first) >>> 0;
    }
  }

  is(written: Buffer): boolean {
    return written.readUInt32BE(0) === this.#first && written.readUInt32BE(4) === this.#second;
  }
}

function openOrNull(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
