import { cutTo, visible } from './text.ts';

/**
 * Draws a progress bar: `████████░░░░  67 %  message`.
 *
 * @param percent  0-100; anything else is brought into that range
 * @param columns  width of the whole line; the message is cut to what is left
 */
export function progressBar(percent: number, message: string, columns: number): string {
  const share = Math.min(100, Math.max(0, Math.round(percent)));
  const width = Math.max(5, Math.min(30, columns - 30));
  const full = Math.round((share / 100) * width);
  const bar = `${'█'.repeat(full)}${'░'.repeat(width - full)} ${String(share).padStart(3)} %`;
  const left = columns - width - 9;
  return message === '' || left < 5 ? bar : `${bar}  ${cutTo(visible(message), left)}`;
}

/** A line at the bottom of a terminal that is drawn again and again; what is printed goes above it. */
export class StatusLine {
  readonly #write: (text: string) => Promise<void>;
  #shown = '';

  /** @param write writes to the terminal */
  constructor(write: (text: string) => Promise<void>) {
    this.#write = write;
  }

  /** Shows a text of one line in place of the one before; the same again writes nothing. */
  async show(text: string): Promise<void> {
    if (text === this.#shown) return;
    this.#shown = text;
    await this.#write(`\r\x1b[2K${text}`);
  }

  /** Takes the line away, so that something else can be printed there. */
  async clear(): Promise<void> {
    if (this.#shown === '') return;
    this.#shown = '';
    await this.#write('\r\x1b[2K');
  }
}
