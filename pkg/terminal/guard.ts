import { visible } from './text.ts';

/** Longest beginning of a colour that is held back for its end; characters. Real ones have less than twenty. */
const maxColourLength = 60;

/** A colour, or a character that steers a terminal; line ends, tabs and returns to the line's start do nothing worse. */
const steering =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  /(\u001b\[[0-9;:]{0,60}m)|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a colour begins with ESC
const begun = /\u001b(\[[0-9;:]*)?$/;

/**
 * Makes output from elsewhere harmless for a terminal, piece by piece: colours stay, everything else that steers
 * (titles, links, the clipboard, the cursor, questions that the terminal would answer as if typed) becomes visible text.
 * git shows what a remote says in the same way. @see git sideband.c
 */
export class TerminalGuard {
  #held = '';
  #hasColours = false;

  /** The next piece, safe to write. A colour that may go on in the next piece is held back. */
  push(text: string): string {
    const all = this.#held + text;
    const start = begun.exec(all)?.index ?? all.length;
    const cut = all.length - start > maxColourLength ? all.length : start;
    this.#held = all.slice(cut);
    return this.#guard(all.slice(0, cut));
  }

  /** What was held back, and the end of all colours. Afterwards it is as new. */
  end(): string {
    const rest = this.#guard(this.#held) + (this.#hasColours ? '\u001b[0m' : '');
    this.#held = '';
    this.#hasColours = false;
    return rest;
  }

  #guard(text: string): string {
    return text.replace(steering, (found, colour: string | undefined) => {
      if (colour === undefined) return visible(found);
      this.#hasColours = true;
      return colour;
    });
  }
}
