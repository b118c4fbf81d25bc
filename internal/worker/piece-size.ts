/** How many bytes of a stream go out at once, from 16 KiB to 4 MiB: as many as the line carries in good time. */

/** Most bytes of one request. */
export const mostPieceBytes = 4 * 1024 * 1024;
/**
 * Where every stream begins: the buffers of both machines take a piece at once, however slow the line between them is, and
 * the time limit of the answer runs from then on. So much passes 10 KB/s within half of it.
 */
const firstBytes = 64 * 1024;
const leastBytes = 16 * 1024;
/** What takes less may be twice as large; ms. */
const quickMs = 1_000;
/** What takes longer is halved; ms: a third of the time after which an answer is given up. */
const slowMs = 5_000;

/** The size of the next piece. It doubles while answers are quick, and shrinks when they are late or do not come. */
export class PieceSize {
  #bytes = firstBytes;

  /** At most so many bytes are to be sent next. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Says how long a piece took to be acknowledged. @param bytes  of it: a small one tells nothing about large ones */
  took(ms: number, bytes: number): void {
    if (ms > slowMs) this.#set(this.#bytes / 2);
    else if (ms < quickMs && bytes >= this.#bytes) this.#set(this.#bytes * 2);
  }

  /** Says that a piece went out and no answer came. */
  failed(): void {
    this.#set(this.#bytes / 8);
  }

  #set(bytes: number): void {
    this.#bytes = Math.min(mostPieceBytes, Math.max(leastBytes, bytes));
  }
}
