/** Masks large pieces without holding up the event loop. */
import type { Clock } from '../../pkg/clock/clock.ts';
import { nextTurn } from '../../pkg/event-loop/next-turn.ts';
import type { StreamMasker } from './masking.ts';

/** What is masked in one go; bytes. Where every byte belongs to a secret it takes some 20 ms. */
const sliceBytes = 256 * 1024;
/** How long others wait before they have a turn; ms. Output without secrets takes less for a whole piece. */
const turnMs = 20;

/**
 * Masks the next piece of a stream. One in which much is found takes long: others have their turn in between.
 * @returns what is decided; may share memory with the piece
 */
export async function maskPiece(clock: Clock, masker: StreamMasker, piece: Uint8Array): Promise<Uint8Array> {
  const masked: Uint8Array[] = [];
  let turnFrom = clock.monotonicMs();
  for (let at = 0; at < piece.length; at += sliceBytes) {
    if (clock.monotonicMs() - turnFrom > turnMs) {
      await nextTurn();
      turnFrom = clock.monotonicMs();
    }
    masked.push(masker.push(piece.subarray(at, at + sliceBytes)));
  }
  return join(masked);
}

/** Puts slices together; those that lie behind each other, as they do where nothing is masked, are not copied. */
function join(slices: readonly Uint8Array[]): Uint8Array {
  const [first] = slices;
  if (first === undefined) return new Uint8Array();
  let end = first.byteOffset;
  for (const { buffer, byteOffset, length } of slices) {
    if (buffer !== first.buffer || byteOffset !== end) return Buffer.concat(slices);
    end += length;
  }
  return new Uint8Array(first.buffer, first.byteOffset, end - first.byteOffset);
}
