/** Cuts bytes into lines of text, with a bound, without ever tearing a UTF-8 character. */

/** One line, or a piece of one that is too long. */
export interface Line {
  /** without its line end (LF or CRLF); bytes that are no UTF-8 are U+FFFD */
  readonly text: string;
  /** whether the line goes on in the next one, because it is over the bound */
  readonly continues: boolean;
  /** how many bytes of the input it stands for, its line end included */
  readonly bytes: number;
}

/** Takes bytes cut anywhere, gives lines. */
export interface LineSplitter {
  push(bytes: Uint8Array): Line[];
  /** Gives what is left, as a line without its end; the splitter can then be used anew. */
  end(): Line[];
  /** bytes that wait for the rest of their line */
  readonly pendingBytes: number;
}

/**
 * Makes a splitter for one stream.
 * @param maxLineBytes a line longer than this comes in pieces of at most so many bytes; >= 4, default 64 KiB
 */
export function makeLineSplitter(maxLineBytes = 64 * 1024): LineSplitter {
  let rest: Uint8Array = new Uint8Array(0);

  return {
    push: (bytes) => {
      const lines: Line[] = [];
      const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      let from = 0;
      while (from < all.length) {
        const newline = all.indexOf(10, from);
        const end = newline === -1 ? all.length : newline;
        if (end - from > maxLineBytes) {
          const cut = characterStart(all, from, from + maxLineBytes);
          lines.push({ text: decode(all.subarray(from, cut)), continues: true, bytes: cut - from });
          from = cut;
          continue;
        }
        if (newline === -1) break;
        lines.push(wholeLine(all.subarray(from, newline), 1));
        from = newline + 1;
      }
      rest = all.slice(from);
      return lines;
    },
    end: () => {
      const last = rest;
      rest = new Uint8Array(0);
      return last.length === 0 ? [] : [wholeLine(last, 0)];
    },
    get pendingBytes() {
      return rest.length;
    },
  };
}

// one for all lines: to make one takes longer than to read a short line with it
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const decode = (bytes: Uint8Array) => decoder.decode(bytes);

function wholeLine(bytes: Uint8Array, endBytes: number): Line {
  const text = endBytes === 1 && bytes.at(-1) === 13 ? bytes.subarray(0, -1) : bytes;
  return { text: decode(text), continues: false, bytes: bytes.length + endBytes };
}

/** Goes back from `at` to where the character that stands there begins; at most three bytes, never to `from`. */
function characterStart(bytes: Uint8Array, from: number, at: number): number {
  for (let start = at; start > Math.max(from, at - 4); start--) {
    if (((bytes[start] ?? 0) & 0xc0) !== 0x80) return start;
  }
  return at;
}
