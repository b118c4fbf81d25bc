import type { Migration } from '../migrate.ts';

/**
 * Bytes of streams and artifacts, for servers that keep them in the database too (the room `blob` reads and writes
 * them). `start` is the offset of a chunk's first byte in its blob.
 */
export const blobChunks: Migration = {
  version: 2,
  name: 'blob chunks',
  statements: ({ text, bytes }) => [
    `CREATE TABLE blob_chunks (key ${text} NOT NULL, start BIGINT NOT NULL, size BIGINT NOT NULL,
      bytes ${bytes} NOT NULL, PRIMARY KEY (key, start))`,
  ],
};
