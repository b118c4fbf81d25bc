import type { MadeDirectories } from './made-directories.ts';
import { type OpenFile, openExisting, openOrMake } from './open-file.ts';

/** How many files that nobody writes to stay open. */
const maxIdle = 64;

/**
 * Files that stay open because more is likely to come: a small append is then one write and one flush. The least
 * recently used are closed. Its users see to it that work on one key takes turns.
 */
export class WriteHandles {
  readonly #directories: MadeDirectories | null;
  /** In the order of use, the oldest first. */
  readonly #files = new Map<string, OpenFile>();
  readonly #busy = new Set<string>();

  /** @param directories  @see openOrMake */
  constructor(directories: MadeDirectories | null) {
    this.#directories = directories;
  }

  /** Where the acknowledged bytes of a file end; undefined when it is not open here (then nothing is under way). */
  end(path: string): number | undefined {
    return this.#files.get(path)?.size;
  }

  /** The file, made when there is none; stays open at least until `release`. */
  async take(path: string): Promise<OpenFile> {
    return this.#keep(path, this.#files.get(path) ?? (await openOrMake(path, this.#directories)));
  }

  /** The file when there is one that has bytes; then stays open at least until `release`. */
  async takeExisting(path: string): Promise<OpenFile | null> {
    const file = this.#files.get(path) ?? (await openExisting(path));
    return file && this.#keep(path, file);
  }

  /** Gives a file back; harmless when it was not taken. */
  async release(path: string): Promise<void> {
    this.#busy.delete(path);
    const idle = [...this.#files]
      .filter(([other, { hasRest }]) => !this.#busy.has(other) && hasRest !== true)
      .map(([other]) => other);
    for (const oldest of idle.slice(0, Math.max(0, idle.length - maxIdle))) await this.drop(oldest);
  }

  /** Closes a file, because it goes away or cannot be trusted. */
  async drop(path: string): Promise<void> {
    const file = this.#files.get(path);
    this.#files.delete(path);
    await file?.handle.close();
  }

  /** The paths of the files that are open. */
  paths(): string[] {
    return [...this.#files.keys()];
  }

  #keep(path: string, file: OpenFile): OpenFile {
    this.#busy.add(path);
    this.#files.delete(path);
    this.#files.set(path, file);
    return file;
  }
}
