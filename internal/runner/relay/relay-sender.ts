import { createHash } from 'node:crypto';
import { createReadStream, lstatSync } from 'node:fs';
import { encodeFrame, type Frame, maxFrameBytes, relayVersion } from './frames.ts';

/**
 * Hands over what a runner prints, tells and makes, one after the other in the order of the calls. Nothing throws: a file that cannot be
 * read is told as lost.
 */
export class RelaySender {
  readonly #key: string;
  readonly #write: (line: string) => Promise<void>;
  #number = 0;
  #last: Promise<void> = Promise.resolve();

  /** @param parts.write  resolves when more may be written; never rejects */
  constructor(parts: { readonly key: string; readonly write: (line: string) => Promise<void> }) {
    this.#key = parts.key;
    this.#write = parts.write;
    void this.#then(() => this.#send({ kind: 'begin', version: relayVersion }));
  }

  /** What it prints. */
  output(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void> {
    return this.#then(async () => {
      for (const data of pieces(bytes)) await this.#send({ kind: stream, data });
    });
  }

  /** A file, as it is when its turn has come. @param path  absolute */
  file(path: string): Promise<void> {
    return this.#then(async () => {
      try {
        await this.#sendFile(path);
      } catch (error) {
        await this.#send({ kind: 'lost', path, why: String((error as Error).message) });
      }
    });
  }

  /** A record of the mailbox. */
  mailbox(record: Uint8Array): Promise<void> {
    return this.#then(async () => {
      for (const data of pieces(record)) await this.#send({ kind: 'mailbox', data });
    });
  }

  /** The last word. Resolves when everything is handed over. */
  end(exitCode: number, wasOutOfMemory: boolean): Promise<void> {
    return this.#then(() => this.#send({ kind: 'end', exitCode, wasOutOfMemory }));
  }

  async #sendFile(path: string): Promise<void> {
    if (!lstatSync(path).isFile()) throw new Error('it is no regular file');
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of createReadStream(path)) {
      const piece = chunk as Uint8Array;
      hash.update(piece);
      bytes += piece.length;
      for (const data of pieces(piece)) await this.#send({ kind: 'file', path, data });
    }
    await this.#send({ kind: 'file', path, data: '', whole: { bytes, sha256: hash.digest('hex') } });
  }

  async #send(frame: Frame): Promise<void> {
    this.#number += 1;
    await this.#write(encodeFrame(this.#key, this.#number, frame));
  }

  #then(action: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(action);
    return this.#last;
  }
}

/** Base64 of bytes, in pieces of a line. */
function* pieces(bytes: Uint8Array): Generator<string> {
  for (let from = 0; from < bytes.length; from += maxFrameBytes)
    yield Buffer.from(bytes.subarray(from, from + maxFrameBytes)).toString('base64');
}
