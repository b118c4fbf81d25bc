/** What is kept of bytes that come piece by piece. */
export interface KeptEnds {
  /** Takes a piece; its bytes may be kept. */
  add(bytes: Buffer): void;
  /** All of it, or its beginning, a line that says how much is missing, and its end. */
  bytes(): Buffer;
}

/**
 * Keeps the beginning and the end of what may be endless.
 * @param headShare  how much of what is kept is the beginning; 0 to 1
 */
export function keepEnds(maxBytes: number, headShare: number): KeptEnds {
  const headBytes = Math.floor(maxBytes * headShare);
  const head: Buffer[] = [];
  let tail: Buffer[] = [];
  let [headSize, tailSize, all] = [0, 0, 0];
  return {
    add: (bytes) => {
      all += bytes.length;
      const first = bytes.subarray(0, headBytes - headSize);
      if (first.length > 0) head.push(first);
      headSize += first.length;
      const rest = bytes.subarray(first.length);
      if (rest.length === 0) return;
      tail.push(rest);
      tailSize += rest.length;
      // put together now and then, so that many small pieces do not fill the memory
      if (tailSize < 4 * maxBytes && tail.length < 1000) return;
      tail = [Buffer.concat(tail).subarray(-maxBytes)];
      tailSize = tail[0]?.length ?? 0;
    },
    bytes: () => {
      const end = Buffer.concat(tail).subarray(-(maxBytes - headBytes));
      const missing = all - headSize - end.length;
      const note = missing > 0 ? `\n[… ${missing} bytes are left out here …]\n` : '';
      return Buffer.concat([...head, Buffer.from(note), end]);
    },
  };
}
