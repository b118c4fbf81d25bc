import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../pkg/log/log.ts';
import type { AppendResult, BlobKey, BlobStore } from './blob.ts';
import { isMissing, mapFileError } from './file-errors.ts';
import { checkKey, checkPrefix, isBelow } from './keys.ts';
import { MadeDirectories } from './made-directories.ts';
import { type Durability, type OpenFile, writeAll } from './open-file.ts';
import { Turns } from './turns.ts';
import { WriteHandles } from './write-handles.ts';

/** How much is read at a time: large enough that the calls do not count, small enough for many readers. */
const readBytes = 256 * 1024;

/** What it takes to keep bytes in files. */
export interface FileBlobStoreOptions {
  /** made (0700) when it is not there; a key is a path below it */
  readonly directory: string;
  readonly log: Log;
  /** default `full`: flushed to the disk before an append is acknowledged */
  readonly durability?: Durability;
}

/** Keeps every blob in a file of its own. Only one process at a time may write below the directory. */
export function openFileBlobStore({ directory, log, durability = 'full' }: FileBlobStoreOptions): BlobStore {
  return new FileBlobStore({ directory, log, durability });
}

class FileBlobStore implements BlobStore {
  readonly #directory: string;
  readonly #log: Log;
  readonly #durability: Durability;
  readonly #directories: MadeDirectories;
  readonly #handles: WriteHandles;
  readonly #turns = new Turns();

  constructor(options: Required<FileBlobStoreOptions>) {
    this.#directory = options.directory;
    this.#log = options.log;
    this.#durability = options.durability;
    this.#directories = new MadeDirectories(options.directory);
    this.#handles = new WriteHandles(options.durability === 'full' ? this.#directories : null);
  }

  async size(key: BlobKey): Promise<number> {
    const path = this.#pathOf(key);
    const known = this.#handles.end(path);
    if (known !== undefined) return known;
    try {
      await using handle = await open(path, 'r');
      const { size } = await handle.stat();
      // a process that died may have written it and not flushed: what is counted is kept
      if (this.#durability === 'full' && size > 0) await handle.datasync();
      return this.#handles.end(path) ?? size;
    } catch (error) {
      if (isMissing(error)) return 0;
      throw mapFileError(error, key);
    }
  }

  append(key: BlobKey, offset: number, bytes: AsyncIterable<Uint8Array> | Uint8Array): Promise<AppendResult> {
    return this.#turn(key, async (path) => {
      // Nothing is made for a question, or for an append that will be refused.
      const there = (await this.#handles.takeExisting(path))?.size ?? 0;
      if (there !== offset) return { ok: false, size: there };
      if (bytes instanceof Uint8Array && bytes.length === 0) return { ok: true, size: there };
      const file = await this.#handles.take(path);
      await this.#write(path, file, bytes);
      return { ok: true, size: file.size };
    });
  }

  async #write(path: string, file: OpenFile, bytes: AsyncIterable<Uint8Array> | Uint8Array): Promise<void> {
    try {
      if (file.hasRest === true) {
        await file.handle.truncate(file.size);
        file.hasRest = false;
      }
      const end = await writeAll(file.handle, file.size, bytes);
      if (this.#durability === 'full') await file.handle.datasync();
      file.size = end;
    } catch (error) {
      await this.#cutBack(path, file);
      throw error;
    }
  }

  /**
   * Undoes what was not acknowledged. A failed flush is never repeated as if it could succeed: bytes come anew. What cannot be cut
   * off now is before the next append; until then the file stays open, so that nobody takes its length for its end.
   */
  async #cutBack(path: string, file: OpenFile): Promise<void> {
    try {
      await file.handle.truncate(file.size);
    } catch (error) {
      this.#log.error('bytes that were not acknowledged could not be cut off yet', { path, error });
      file.hasRest = true;
    }
  }

  truncate(key: BlobKey, size: number): Promise<void> {
    return this.#turn(key, async (path) => {
      const file = await this.#handles.takeExisting(path);
      if (!file || file.size <= size) return;
      await file.handle.truncate(size);
      file.size = size;
      file.hasRest = false;
      if (this.#durability === 'full') await file.handle.datasync();
    });
  }

  async *read(key: BlobKey, from: number, to?: number): AsyncIterable<Uint8Array> {
    const path = this.#pathOf(key);
    try {
      await using handle = await open(path, 'r');
      const { size } = await handle.stat();
      // Bytes behind the acknowledged end belong to an append that may still fail.
      const acknowledged = this.#handles.end(path) ?? size;
      const end = Math.min(to ?? acknowledged, acknowledged);
      let at = from;
      while (at < end) {
        const buffer = Buffer.allocUnsafeSlow(Math.min(readBytes, end - at));
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
        if (bytesRead === 0) return;
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } catch (error) {
      if (!isMissing(error)) throw mapFileError(error, key);
    }
  }

  delete(key: BlobKey): Promise<void> {
    return this.#turn(key, async (path) => {
      await this.#handles.drop(path);
      await rm(path, { force: true });
    });
  }

  async deleteAll(prefix: BlobKey): Promise<void> {
    const path = join(this.#directory, checkPrefix(prefix));
    const below = [...new Set([...this.#handles.paths(), ...this.#turns.keys()])];
    const waiting = below.filter((other) => isBelow(other, path));
    await Promise.all(waiting.map((other) => this.#turns.take(other, () => this.#handles.drop(other))));
    try {
      await rm(path, { recursive: true, force: true });
      this.#directories.forget(path);
    } catch (error) {
      throw mapFileError(error, prefix);
    }
  }

  async close(): Promise<void> {
    const open = [...new Set([...this.#handles.paths(), ...this.#turns.keys()])];
    await Promise.all(open.map((path) => this.#turns.take(path, () => this.#handles.drop(path))));
  }

  #pathOf(key: BlobKey): string {
    return join(this.#directory, checkKey(key));
  }

  /** Work on one file takes turns; its errors come as ours. */
  async #turn<T>(key: BlobKey, work: (path: string) => Promise<T>): Promise<T> {
    const path = this.#pathOf(key);
    try {
      return await this.#turns.take(path, async () => {
        try {
          return await work(path);
        } finally {
          await this.#handles.release(path);
        }
      });
    } catch (error) {
      throw mapFileError(error, key);
    }
  }
}
