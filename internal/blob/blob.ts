/**
 * Where bytes rest: output streams and artifacts of runs.
 *
 * Laws, each a test of the contract suite:
 * - bytes that `append` acknowledged are there after the process was killed (and, with full durability, after power
 *   loss);
 * - `append` at another offset than the end changes nothing and tells the end;
 * - two appends at the same offset: one wins, the other learns the new end;
 * - a key that was never written has size 0 and reads as empty; deleting it is no error;
 * - memory does not grow with the size of what is read or written.
 */
export interface BlobStore {
  /** Bytes stored under a key; 0 when there is none. */
  size(key: BlobKey): Promise<number>;
  /**
   * Appends at the end.
   * @param offset where the caller believes the end to be
   * @returns the new end; or, with `ok: false`, the true end, and nothing is changed
   * @throws what `bytes` throws; nothing is kept then
   * @throws {UnavailableError} KERUTA_ERR_DISK_FULL, KERUTA_ERR_STORE_UNAVAILABLE
   */
  append(key: BlobKey, offset: number, bytes: AsyncIterable<Uint8Array> | Uint8Array): Promise<AppendResult>;
  /** Cuts back to `size` bytes; used to undo bytes whose row was never written. */
  truncate(key: BlobKey, size: number): Promise<void>;
  /** Reads from `from` up to, not including, `to` (default: the end as it is now). */
  read(key: BlobKey, from: number, to?: number): AsyncIterable<Uint8Array>;
  /** Removes; no error when there is none. */
  delete(key: BlobKey): Promise<void>;
  /** Removes the key and every key below it, in whole parts: `a` and `a/b`, not `ab`. E.g. all of a task. */
  deleteAll(prefix: BlobKey): Promise<void>;
  close(): Promise<void>;
}

/**
 * Names a blob: path of lower-case letters, digits, `-` and `.`, joined by `/`, made by keruta from its own ids only:
 * `<task id>/<attempt>/stdout`, `<task id>/artifacts/<artifact id>`.
 */
export type BlobKey = string;

/** @see BlobStore.append */
export type AppendResult =
  | { readonly ok: true; readonly size: number }
  | { readonly ok: false; readonly size: number };
