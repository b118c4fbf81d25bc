/**
 * Cuts what a server sends into responses: lines, in which `{n}` at the end of a line announces n raw bytes.
 * @see RFC 9051, section 4.3
 */
import { ImapError } from './imap-error.ts';

/** One response: text and literals in turns, as they came; line ends are left out. */
export type Response = readonly (string | Buffer)[];

/** Longest line without its literals: what SEARCH says of a million messages; bytes. */
const maxLineBytes = 8 * 1024 * 1024;
/** Most pieces of one response. */
const maxPieces = 10_000;

/** Takes bytes in any portions and gives whole responses. */
export class ResponseReader {
  readonly #maxLiteralBytes: number;
  #line: Buffer[] = [];
  #lineBytes = 0;
  #pieces: (string | Buffer)[] = [];
  #literal: { readonly chunks: Buffer[]; missing: number } | null = null;

  /** @param maxLiteralBytes  a larger literal is a fault of the server */
  constructor(maxLiteralBytes: number) {
    this.#maxLiteralBytes = maxLiteralBytes;
  }

  /**
   * Takes the next bytes.
   * @returns the responses that are whole now
   * @throws {ImapError} `protocol`: a line or a literal that is too long
   */
  push(chunk: Buffer): Response[] {
    const whole: Response[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#literal !== null) {
        rest = this.#takeLiteral(this.#literal, rest);
        continue;
      }
      const end = rest.indexOf(0x0a);
      this.#lineBytes += end === -1 ? rest.length : end + 1;
      if (this.#lineBytes > maxLineBytes || this.#pieces.length > maxPieces)
        throw new ImapError('protocol', `the server sent a line of more than ${maxLineBytes} bytes`);
      if (end === -1) {
        this.#line.push(rest);
        break;
      }
      this.#line.push(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
      const response = this.#endLine();
      if (response !== null) whole.push(response);
    }
    return whole;
  }

  #takeLiteral(literal: { readonly chunks: Buffer[]; missing: number }, bytes: Buffer): Buffer {
    const part = bytes.subarray(0, literal.missing);
    literal.chunks.push(part);
    literal.missing -= part.length;
    if (literal.missing === 0) {
      this.#pieces.push(Buffer.concat(literal.chunks));
      this.#literal = null;
    }
    return bytes.subarray(part.length);
  }

  /** @returns the response, unless its line goes on behind a literal */
  #endLine(): Response | null {
    const line = Buffer.concat(this.#line).toString('utf8').replace(/\r$/, '');
    this.#line = [];
    const announced = /\{(\d{1,10})\+?\}$/.exec(line);
    if (announced === null) {
      const response = [...this.#pieces, line];
      this.#pieces = [];
      this.#lineBytes = 0;
      return response;
    }
    const bytes = Number(announced[1]);
    if (bytes > this.#maxLiteralBytes)
      throw new ImapError(
        'protocol',
        `the server sent ${bytes} bytes, and at most ${this.#maxLiteralBytes} are taken`,
      );
    this.#pieces.push(line.slice(0, announced.index));
    if (bytes === 0) this.#pieces.push(Buffer.alloc(0));
    else this.#literal = { chunks: [], missing: bytes };
    return null;
  }
}
