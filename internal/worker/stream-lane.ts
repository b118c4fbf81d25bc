import { crc32 } from 'node:zlib';
import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import { lacksDescriptors } from '../../pkg/files/lacks-descriptors.ts';
import { mayHaveHappened } from '../api/retryable.ts';
import type { AttemptReporter, StreamPosition } from '../api/task-source.ts';
import { KerutaError } from '../domain/errors.ts';
import type { StreamName } from '../domain/task.ts';
import type { Run, StreamLoss } from '../executor/executor.ts';
import type { Cursor, StreamCursor } from './cursor.ts';
import { PieceMask } from './mask-piece.ts';
import type { Masking, StreamMasker } from './masking.ts';
import { mostPieceBytes, PieceSize } from './piece-size.ts';
import { messageOf, persist, type RetryParts } from './retry.ts';
import type { Wakeup } from './wakeup.ts';

/** What a lane carries from where to where. */
export interface StreamLaneOptions {
  readonly stream: StreamName;
  readonly run: Run;
  readonly reporter: AttemptReporter;
  readonly cursor: Cursor;
  readonly masking: Masking;
  /** rung when there may be more to read */
  readonly changed: Wakeup;
  /** Takes up what the script said before now: it may name a secret that stands in the bytes just read. */
  readonly hear: () => Promise<void>;
  /** aborted as soon as nothing more will be written */
  readonly complete: AbortSignal;
}

/** What is read at once; at most three of one stream are in memory: one is sent, one is masked, one is read. */
const pieceBytes = mostPieceBytes;
/** How long to wait when no file more may be opened; ms. */
const blindMs = 1_000;
/** How long output is gathered after a small piece went out; ms. */
const gatherMs = 40;
/** The same of a script that goes on talking: both streams together are to cost fewer than twenty requests a second. */
const longGatherMs = 120;
/** So many pieces in a second are no talk. */
const quickPieces = 5;

/**
 * Carries one stream to the server: reads, masks, sends at the server's offset, until the run is complete.
 *
 * Two positions move here. `position` is how far the masked bytes were produced and summed; `sent` is what the server
 * has. After a restart, or when the server turns out to have less or more, the first catches up with the second: bytes
 * that are there already are summed and not sent. A lost answer, a retry and a resume are the same path.
 */
export class StreamLane {
  readonly #parts: RetryParts;
  readonly #options: StreamLaneOptions;
  readonly #size = new PieceSize();
  readonly #mask: PieceMask;
  #position: number;
  #crc: number;
  #sent: number;
  #readAt = 0;
  #producedTo = 0;
  #masker: StreamMasker;
  /** the piece behind the one that is being masked, when the lane is behind */
  #ahead: Promise<Uint8Array | null> | null = null;
  /** done when the piece that is on its way has arrived */
  #sending: Promise<unknown> = Promise.resolve();
  /** used in turn while the lane is behind, so that a gigabyte of output does not mean a gigabyte of garbage */
  #buffers: readonly Uint8Array[] | null = null;
  #turn = 0;
  /** how often the lane went back: what was read before is of no use then */
  #rewinds = 0;
  #lostBytes = 0;
  /** when the last pieces went out */
  #sentAt: readonly number[] = [];
  /** bytes that the file of the stream held before it was cut: fewer are a sign that it was */
  #known: number;
  /** the fewest that it was seen with after that; null: it never became shorter */
  #cutTo: number | null = null;

  constructor(parts: RetryParts, options: StreamLaneOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#mask = new PieceMask(parts.clock);
    const kept = options.cursor.state.streams[options.stream];
    this.#position = kept.offset;
    this.#crc = kept.crc32;
    this.#sent = kept.offset;
    this.#known = kept.offset;
    this.#masker = this.#rewind(kept.offset, kept.crc32);
  }

  /** Size and checksum of what was carried; final when `carry` has returned. */
  report(): { size: number; crc32: number; lostBytes: number } {
    return { size: this.#position, crc32: this.#crc, lostBytes: this.#lostBytes };
  }

  /** Carries until everything is there. May be called again: it then only looks whether the server agrees. */
  async carry(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const last = this.#options.complete.aborted;
      const rewinds = this.#rewinds;
      const piece = await (this.#ahead ?? this.#read());
      if (rewinds !== this.#rewinds) continue;
      this.#ahead = null;
      if (piece === null) {
        await this.#parts.clock.sleep(blindMs, signal);
        continue;
      }
      this.#readAt += piece.length;
      const isBehind = piece.length === pieceBytes;
      if (isBehind) this.#ahead = this.#read();
      if (piece.length > 0) {
        await this.#options.hear();
        if (rewinds !== this.#rewinds) continue;
        const masked = await this.#mask.piece(this.#masker, piece);
        if (rewinds !== this.#rewinds) continue;
        await this.#sending;
        if (rewinds !== this.#rewinds) continue;
        this.#sending = this.#accept(masked, signal);
        // whoever waits for it hears of it; it may fail before anybody does
        this.#sending.catch(() => {});
      }
      if (isBehind) continue;
      await this.#sending;
      if (rewinds !== this.#rewinds) continue;
      if (piece.length > 0) await this.#gather();
      else if (!last) await this.#options.changed.wait(1000);
      else if (await this.#accept(this.#masker.end(), signal)) return;
    }
  }

  /** Goes back to what the server says it has, to send the rest again. */
  async recheck(signal: AbortSignal): Promise<void> {
    const { reporter, stream } = this.#options;
    const at = await persist(this.#parts, `asking for the end of ${stream}`, {
      signal,
      run: () => reporter.headStream(stream, signal),
    });
    this.#sent = at.offset;
    this.#masker = this.#rewind(0, 0);
  }

  /** Says how much of the stream could not be kept; once everything else is there. @param bytes  at most; > 0 */
  async declareLost(bytes: number, signal: AbortSignal): Promise<void> {
    const { reporter, stream } = this.#options;
    const gap = { stream, offset: this.#position, bytes };
    await persist(this.#parts, `telling what is missing of ${stream}`, {
      signal,
      run: () => reporter.declareLost(gap, signal),
    });
    this.#lostBytes = bytes;
  }

  /** What is missing because the file became shorter and then longer again, as far as that was seen; once all was carried. */
  async cut(): Promise<StreamLoss | null> {
    const { run, stream } = this.#options;
    if (this.#cutTo === null) return null;
    const maxBytes = Math.min(await run.size(stream), this.#known) - this.#cutTo;
    return maxBytes > 0 ? { stream, offset: this.#known, maxBytes, cause: 'cut' } : null;
  }

  /** Null when nothing can be read now, for want of descriptors: that is no end. */
  async #read(): Promise<Uint8Array | null> {
    const { run, stream } = this.#options;
    try {
      // what is read once it was cut stands at places of its own
      if (this.#cutTo === null) this.#known = Math.max(this.#known, this.#readAt);
      const size = await run.size(stream);
      if (size < this.#known) this.#cutTo = Math.min(this.#cutTo ?? size, size);
      return await run.read(stream, this.#readAt, pieceBytes, this.#nextBuffer());
    } catch (error) {
      if (lacksDescriptors(error)) return null;
      // the task removed its own run directory: what was not read is gone, and the run ends by its exit alone
      this.#parts.log.warn(`${stream} cannot be read`, { error: messageOf(error) });
      return new Uint8Array();
    }
  }

  /** None while single pieces hold all there is: those are mostly small. */
  #nextBuffer(): Uint8Array | undefined {
    if (this.#position < pieceBytes) return undefined;
    this.#buffers ??= [0, 1, 2].map(() => Buffer.allocUnsafeSlow(pieceBytes));
    this.#turn = (this.#turn + 1) % this.#buffers.length;
    return this.#buffers[this.#turn];
  }

  /** Lets a little output gather, so that a chatty script costs few requests; a complete run does not wait. */
  async #gather(): Promise<void> {
    const { complete } = this.#options;
    const now = this.#parts.clock.monotonicMs();
    this.#sentAt = [...this.#sentAt.filter((at) => now - at < 1000), now];
    const ms = this.#sentAt.length > quickPieces ? longGatherMs : gatherMs;
    await this.#parts.clock.sleep(ms, complete).catch(() => {});
  }

  #rewind(position: number, crc: number): StreamMasker {
    this.#rewinds += 1;
    this.#position = position;
    this.#crc = crc;
    // a secret may begin before the position: reading starts so far back that the masker finds it again
    // a read that is under way may still write into its buffer
    this.#ahead = null;
    this.#buffers = null;
    this.#readAt = Math.max(0, position - this.#options.masking.overlapBytes);
    this.#producedTo = this.#readAt;
    return this.#options.masking.stream(this.#options.stream, { readAt: this.#readAt, sent: position });
  }

  /** Sums masked bytes and sends those that the server lacks. @returns false when it had to go back to the start */
  async #accept(masked: Uint8Array, signal: AbortSignal): Promise<boolean> {
    const fresh = masked.subarray(Math.min(masked.length, Math.max(0, this.#position - this.#producedTo)));
    this.#producedTo += masked.length;
    if (fresh.length === 0) return true;
    const before = { offset: this.#position, crc32: this.#crc };
    this.#crc = crc32(fresh, this.#crc);
    this.#position += fresh.length;
    return this.#position <= this.#sent || (await this.#send(before, fresh, signal));
  }

  /** Sends what the server does not have of the bytes that follow those of `before`. */
  async #send(before: StreamCursor, bytes: Uint8Array, signal: AbortSignal): Promise<boolean> {
    const { stream, cursor } = this.#options;
    const from = before.offset;
    const end = from + bytes.length;
    let summed = before;
    while (this.#sent < end) {
      if (this.#sent < from) {
        this.#masker = this.#rewind(0, 0);
        return false;
      }
      const offset = this.#sent;
      try {
        const { offset: reached, durableOffset } = await persist(this.#parts, `sending ${stream}`, {
          signal,
          run: () => this.#patch(offset, bytes.subarray(offset - from), signal),
        });
        failpoint('mid_segment');
        this.#sent = reached;
        if (durableOffset >= summed.offset) {
          const more = bytes.subarray(summed.offset - from, durableOffset - from);
          summed = { offset: durableOffset, crc32: crc32(more, summed.crc32) };
        }
        // a plain server that has half a line only is behind; it takes no checksum
        const known = durableOffset === summed.offset;
        cursor.state.streams[stream] = { offset: durableOffset, crc32: known ? summed.crc32 : 0 };
        cursor.touch();
      } catch (error) {
        this.#sent = offsetOf(error);
      }
    }
    return true;
  }

  /** Sends as many of these bytes as the line carries in good time. */
  async #patch(offset: number, bytes: Uint8Array, signal: AbortSignal): Promise<StreamPosition> {
    const { reporter, stream } = this.#options;
    const piece = { stream, offset, bytes: bytes.subarray(0, this.#size.bytes) };
    const before = this.#parts.clock.monotonicMs();
    try {
      const at = await reporter.patchStream(piece, signal);
      this.#size.took(this.#parts.clock.monotonicMs() - before, piece.bytes.length);
      return at;
    } catch (error) {
      if (mayHaveHappened(error)) this.#size.failed();
      throw error;
    }
  }
}

/** The server's end of the stream, out of its refusal; anything else is thrown on. */
function offsetOf(error: unknown): number {
  const offset = error instanceof KerutaError ? error.details.offset : undefined;
  if (
    error instanceof KerutaError &&
    error.code === 'KERUTA_ERR_OFFSET_MISMATCH' &&
    typeof offset === 'number'
  ) {
    return offset;
  }
  throw error;
}
