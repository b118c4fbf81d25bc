import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  createReadStream,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Log } from '../../../pkg/log/log.ts';
import { decodeFrame, type Frame, relayVersion } from './frames.ts';

/** Where things are put that come. */
export interface ReceiverParts {
  readonly log: Log;
  /** @see RelayWish.key */
  readonly key: string;
  /** directories below which files may come to be; absolute */
  readonly roots: readonly string[];
  /** one file that is kept back until it is accepted; absolute */
  readonly keptBack: string;
  /** for files that are not whole yet; absolute, of its own */
  readonly directory: string;
  /** what was said about the run goes here; null: there is none */
  readonly mailbox: string | null;
  readonly output: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => Promise<void>;
}

/** Takes the lines of a runner that hands everything over, and puts things where they would be had it shared our disk. */
export class RelayReceiver {
  readonly #parts: ReceiverParts;
  #number = 0;
  #hasBegun = false;
  #end: { readonly exitCode: number; readonly wasOutOfMemory: boolean } | null = null;
  #missing = 0;
  #keptBack: string | null = null;
  readonly #lost = new Map<string, string>();

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
    rmSync(parts.directory, { recursive: true, force: true });
    mkdirSync(parts.directory, { recursive: true, mode: 0o700 });
  }

  /** Whether it is a runner of this sort. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Its last word; null: none has come. */
  get end(): { readonly exitCode: number; readonly wasOutOfMemory: boolean } | null {
    return this.#end;
  }

  /** Lines that have not come. */
  get missing(): number {
    return this.#missing;
  }

  /** Files that have not come whole, and why; in words. */
  get lost(): readonly string[] {
    return [...this.#lost].map(([path, why]) => `${path}: ${why}`);
  }

  /** The text of the file that is kept back; null: it has not come. */
  get keptBack(): string | null {
    return this.#keptBack;
  }

  /** Takes the next line, without its end. One that has come before is passed over. */
  async take(line: string): Promise<void> {
    const { key, output } = this.#parts;
    const read = decodeFrame(key, line);
    // what the system or a shell had to say
    if (read === null) return output('stderr', Buffer.from(`${line}\n`));
    const { number, frame } = read;
    if (number <= this.#number) return;
    this.#missing += number - this.#number - 1;
    this.#number = number;
    await this.#takeFrame(frame);
  }

  /** Removes what is not whole. */
  close(): void {
    rmSync(this.#parts.directory, { recursive: true, force: true });
  }

  async #takeFrame(frame: Frame): Promise<void> {
    const { mailbox, output } = this.#parts;
    switch (frame.kind) {
      case 'begin':
        this.#hasBegun = frame.version === relayVersion;
        return;
      case 'stdout':
      case 'stderr':
        return output(frame.kind, Buffer.from(frame.data, 'base64'));
      case 'file':
        return this.#takeFile(frame);
      case 'lost':
        this.#lost.set(frame.path, frame.why);
        return;
      case 'mailbox':
        if (mailbox !== null) appendFileSync(mailbox, Buffer.from(frame.data, 'base64'), { mode: 0o600 });
        return;
      case 'end':
        this.#end = { exitCode: frame.exitCode, wasOutOfMemory: frame.wasOutOfMemory };
    }
  }

  async #takeFile({ path, data, whole }: Extract<Frame, { kind: 'file' }>): Promise<void> {
    const { directory, roots, keptBack } = this.#parts;
    const isOurs = resolve(path) === path && roots.some((root) => path.startsWith(`${root}/`));
    if (!isOurs) return void this.#lost.set(path, 'it has no business there');
    const coming = join(directory, createHash('sha256').update(path).digest('hex'));
    appendFileSync(coming, Buffer.from(data, 'base64'), { mode: 0o600 });
    if (whole === undefined) return;
    // beside its place, which may be on another disk
    const fresh = `${path}.new`;
    try {
      const found = await look(coming);
      if (found.bytes !== whole.bytes || found.sha256 !== whole.sha256)
        throw new Error('parts of it are missing');
      this.#lost.delete(path);
      if (path === keptBack) {
        this.#keptBack = readFileSync(coming, 'utf8');
        return;
      }
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      copyFileSync(coming, fresh);
      renameSync(fresh, path);
    } catch (error) {
      this.#lost.set(path, (error as Error).message);
    } finally {
      for (const file of [coming, fresh]) rmSync(file, { force: true });
    }
  }
}

async function look(file: string): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of createReadStream(file)) {
    hash.update(piece as Uint8Array);
    bytes += (piece as Uint8Array).length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
