/** Longest piece that is kept in one row; bytes. */
export const maxChunkBytes = 1024 * 1024;

/** Gathers pieces of any length into chunks of `maxChunkBytes`; the last one may be shorter, none is empty. */
export async function* inChunks(
  pieces: AsyncIterable<Uint8Array> | Uint8Array,
): AsyncGenerator<Buffer, void, undefined> {
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces instanceof Uint8Array ? [pieces] : pieces) {
    for (let rest = piece; rest.length > 0; ) {
      const part = rest.subarray(0, maxChunkBytes - bytes);
      rest = rest.subarray(part.length);
      gathered.push(part);
      bytes += part.length;
      if (bytes < maxChunkBytes) continue;
      yield Buffer.concat(gathered);
      gathered = [];
      bytes = 0;
    }
  }
  if (bytes > 0) yield Buffer.concat(gathered);
}
