/** Masks large pieces without holding up the event loop and without new memory for each of them. */
import type { Clock } from '../../pkg/clock/clock.ts';
import { nextTurn } from '../../pkg/event-loop/next-turn.ts';
import type { StreamMasker } from './masking.ts';
import { mostPieceBytes } from './piece-size.ts';

/** What is masked in one go; bytes. Where every byte belongs to a secret it takes some 20 ms. */
const sliceBytes = 256 * 1024;
/** How long others wait before they have a turn; ms. Output without secrets takes less for a whole piece. */
const turnMs = 20;
/** A piece may come out longer than it went in, by what was held back before it: seldom more than this; bytes. */
const heldBytes = 256 * 1024;

/** Masks the pieces of one stream, one after another. */
export class PieceMask {
  readonly #clock: Clock;
  /** used in turn, made when they are needed: one is filled while the other is sent */
  #rooms: readonly Buffer[] | null = null;
  #turn = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Masks the next piece. One in which much is found takes long: others have their turn in between.
   * @returns what is decided, until the call after the next: it shares memory with the piece, or with a later answer
   */
  async piece(masker: StreamMasker, piece: Uint8Array): Promise<Uint8Array> {
    if (piece.length <= sliceBytes) return masker.push(piece);
    let room: Buffer | null = null;
    let used = 0;
    let turnFrom = this.#clock.monotonicMs();
    for (let at = 0; at < piece.length; at += sliceBytes) {
      if (this.#clock.monotonicMs() - turnFrom > turnMs) {
        await nextTurn();
        turnFrom = this.#clock.monotonicMs();
      }
      const masked = masker.push(piece.subarray(at, at + sliceBytes), room?.subarray(used));
      if (room === null && !isAt(masked, piece, used)) {
        room = this.#nextRoom();
        room.set(piece.subarray(0, used));
      }
      if (room !== null && !isAt(masked, room, used)) {
        if (used + masked.length > room.length) room = Buffer.concat([room], used + masked.length);
        room.set(masked, used);
      }
      used += masked.length;
    }
    return (room ?? piece).subarray(0, used);
  }

  #nextRoom(): Buffer {
    this.#rooms ??= [0, 1].map(() => Buffer.allocUnsafeSlow(mostPieceBytes + heldBytes));
    this.#turn = 1 - this.#turn;
    return this.#rooms[this.#turn] ?? Buffer.alloc(mostPieceBytes + heldBytes);
  }
}

/** Whether bytes lie at this place of others: then they need not be copied there. */
function isAt(bytes: Uint8Array, whole: Uint8Array, place: number): boolean {
  return bytes.buffer === whole.buffer && bytes.byteOffset === whole.byteOffset + place;
}
