import type { BlobKey, BlobStore } from './blob.ts';

/** What a copy came to. */
export interface CopiedBlobs {
  readonly blobs: number;
  readonly bytes: number;
}

/** Copies blobs. What was there of them already, from a copy that broke off, is gone on with. */
export async function copyBlobs(parts: {
  readonly from: BlobStore;
  readonly to: BlobStore;
  readonly keys: AsyncIterable<BlobKey>;
}): Promise<CopiedBlobs> {
  const { from, to, keys } = parts;
  let [blobs, bytes] = [0, 0];
  for await (const key of keys) {
    const size = await from.size(key);
    const there = await to.size(key);
    if (there > size) await to.truncate(key, size);
    else if (there < size) await to.append(key, there, from.read(key, there, size));
    blobs += 1;
    bytes += size;
  }
  return { blobs, bytes };
}
