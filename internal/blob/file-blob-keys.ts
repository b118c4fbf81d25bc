import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobKey } from './blob.ts';
import { isMissing, mapFileError } from './file-errors.ts';

/** The keys of all blobs that are kept in files below a directory; none when it is not there. */
export async function* fileBlobKeys(directory: string, below = ''): AsyncIterable<BlobKey> {
  const entries = await readdir(join(directory, below), { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw mapFileError(error, below);
  });
  for (const entry of entries) {
    const key = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* fileBlobKeys(directory, key);
    else if (entry.isFile()) yield key;
  }
}
