import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';

/** Where lines go, and how much of them is kept. */
export interface RotatingFileOptions {
  readonly file: string;
  /** the file begins anew behind the line that makes it longer than this */
  readonly maxBytes: number;
  /** how many files there are at most: `name.log` is the newest, then `name1.log`, `name2.log`, … */
  readonly count: number;
}

/**
 * A file of lines that is rotated. A disk that takes nothing costs the lines of that time and nothing else: the next line
 * opens the file again; also when somebody deleted it.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #open: { readonly handle: FileHandle; size: number } | null = null;
  /** whether the last line may stand there in part */
  #isTorn = false;
  #last: Promise<void> = Promise.resolve();

  constructor(options: RotatingFileOptions) {
    this.#options = options;
  }

  /** Appends a line, behind those before it. @throws {Error} as Node does, when it could not be written: it is lost */
  write(line: string): Promise<void> {
    const write = this.#last.then(() => this.#write(line));
    this.#last = write.catch(() => {});
    return write;
  }

  /** Closes the file, behind the lines that are on their way. */
  async close(): Promise<void> {
    await this.#last;
    await this.#let();
  }

  async #write(line: string): Promise<void> {
    // what is written into a deleted file is read by nobody
    if (this.#open !== null && (await this.#open.handle.stat()).nlink === 0) await this.#let();
    this.#open ??= await this.#openFile();
    const bytes = Buffer.from(this.#isTorn ? `\n${line}` : line);
    try {
      await this.#open.handle.appendFile(bytes);
    } catch (error) {
      this.#isTorn = true;
      await this.#let();
      throw error;
    }
    this.#isTorn = false;
    this.#open.size += bytes.length;
    if (this.#open.size > this.#options.maxBytes) await this.#rotate();
  }

  async #openFile(): Promise<{ readonly handle: FileHandle; size: number }> {
    await mkdir(dirname(this.#options.file), { recursive: true, mode: 0o700 });
    const handle = await open(this.#options.file, 'a', 0o600);
    return { handle, size: (await handle.stat()).size };
  }

  async #rotate(): Promise<void> {
    await this.#let();
    for (let number = this.#options.count - 1; number > 0; number--) {
      await rename(this.#nameOf(number - 1), this.#nameOf(number)).catch(() => {});
    }
  }

  #nameOf(number: number): string {
    const { dir, name, ext } = parse(this.#options.file);
    return number === 0 ? this.#options.file : join(dir, `${name}${number}${ext}`);
  }

  async #let(): Promise<void> {
    const { handle } = this.#open ?? {};
    this.#open = null;
    await handle?.close().catch(() => {});
  }
}
