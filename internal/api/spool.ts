/**
 * Requests that could not be sent: one file each, delivered in order by the next command or by the agent.
 *
 * A file is written beside its name and renamed, so a reader never sees half of one. Tokens are not kept: whoever
 * delivers uses its own. A request that the server refuses for good is moved to `rejected/`, not lost.
 */
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { UnavailableError } from '../domain/errors.ts';

/** A request that waits. */
export interface SpooledRequest {
  readonly method: 'POST' | 'PUT';
  /** base address, without path */
  readonly apiUrl: string;
  /** from the root, `/api/v1/…` */
  readonly path: string;
  readonly body: unknown;
  /** sent as Idempotency-Key, for what would have its effect once more if its first answer was lost */
  readonly key?: string;
  /** epoch ms when it was said */
  readonly at: number;
}

/** What became of an attempt to send. `later`: the API is away; `refused`: it never will be taken. */
export type SendResult = 'sent' | 'later' | 'refused';

/** How many requests are kept; above it new ones are refused, so that a loop cannot fill the disk. */
export const maxSpooled = 10_000;

/** Largest kept request; bytes. The longest text of a command has 64 KiB, and JSON makes six bytes of one at most. */
const maxRequestBytes = 4 * 1024 * 1024;

/**
 * Keeps a request for later.
 * @param order  makes names unique and sorted: time, then process, then a counter
 * @throws {UnavailableError} KERUTA_ERR_DISK_FULL when it cannot be kept
 */
export function spoolRequest(directory: string, request: SpooledRequest, order: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (spooledFiles(directory).length >= maxSpooled) throw new Error(`${maxSpooled} requests already wait`);
    const name = `${String(request.at).padStart(15, '0')}-${order}.json`;
    const temporary = join(directory, `.${name}`);
    try {
      const descriptor = openSync(temporary, 'w', 0o600);
      try {
        // all of it: on a disk that is nearly full a single write may take a part only, without an error
        writeFileSync(descriptor, JSON.stringify(request));
        // one that failed is not tried again: the second one may say that all is well although bytes are lost
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      renameSync(temporary, join(directory, name));
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  } catch (cause) {
    throw new UnavailableError(
      'KERUTA_ERR_DISK_FULL',
      `spool ${directory}: expected to keep the request, got ${(cause as Error).message}; the request is lost unless repeated`,
      { cause },
    );
  }
}

/** How many requests wait. */
export function countSpooled(directory: string): number {
  return spooledFiles(directory).length;
}

/** What a spool holds: how many requests wait, since when (epoch ms; null = none), and how many were refused for good. */
export function spoolState(directory: string): {
  readonly waiting: number;
  readonly oldestAt: number | null;
  readonly rejected: number;
} {
  const files = spooledFiles(directory);
  const oldest = files[0]?.split('-')[0];
  return {
    waiting: files.length,
    oldestAt: oldest === undefined ? null : Number(oldest),
    rejected: spooledFiles(join(directory, 'rejected')).length,
  };
}

/**
 * Sends what waits for one API, oldest first, until one has to wait longer or the signal fires.
 * A file is claimed by renaming it, so two processes never send the same one at the same time; a claim whose owner died
 * is picked up again after a minute.
 * @param now epoch ms
 * @returns how many were sent or refused, and how many still wait
 */
export async function drainSpool(
  directory: string,
  options: {
    readonly apiUrl: string;
    readonly now: () => number;
    readonly send: (request: SpooledRequest) => Promise<SendResult>;
    readonly signal?: AbortSignal;
  },
): Promise<{ sent: number; refused: number; left: number }> {
  let [sent, refused] = [0, 0];
  recoverClaims(directory, options.now());
  for (const name of spooledFiles(directory)) {
    if (options.signal?.aborted) break;
    const file = join(directory, name);
    const request = readRequest(file);
    // somebody else sends it just now, and may put it back: it is not ours to reject
    if (request === 'gone') continue;
    if (request === null) {
      reject(directory, file, name);
      refused++;
      continue;
    }
    if (request.apiUrl !== options.apiUrl) continue;
    const claimed = join(directory, `.sending-${options.now()}-${name}`);
    if (!tryRename(file, claimed)) continue;
    const result = await options.send(request);
    if (result === 'later') {
      tryRename(claimed, file);
      break;
    }
    if (result === 'sent') rmSync(claimed, { force: true });
    else reject(directory, claimed, name);
    if (result === 'sent') sent++;
    else refused++;
  }
  return { sent, refused, left: countSpooled(directory) };
}

function spooledFiles(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /^\d+-.*\.json$/.test(name))
      .sort();
  } catch {
    return [];
  }
}

/** Null when it is no request of ours: damaged, of another shape, or no file at all (a FIFO would be waited for). */
function readRequest(file: string): SpooledRequest | 'gone' | null {
  try {
    const found = lstatSync(file);
    if (!found.isFile() || found.size > maxRequestBytes) return null;
    const request: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isRequest(request) ? request : null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : null;
  }
}

/**
 * By hand: the small entry reads this file too, and a schema library would double the start of every task command.
 * The path begins at the root: put behind the address, it must not name another host, to which a token would go.
 */
function isRequest(value: unknown): value is SpooledRequest {
  if (!isRecord(value)) return false;
  const { method, apiUrl, path, body, key, at } = value;
  return (
    (method === 'POST' || method === 'PUT') &&
    typeof apiUrl === 'string' &&
    typeof path === 'string' &&
    path.startsWith('/') &&
    isRecord(body) &&
    (key === undefined || (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key))) &&
    typeof at === 'number'
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function reject(directory: string, file: string, name: string): void {
  mkdirSync(join(directory, 'rejected'), { recursive: true, mode: 0o700 });
  tryRename(file, join(directory, 'rejected', name));
}

function recoverClaims(directory: string, now: number): void {
  try {
    for (const name of readdirSync(directory)) {
      // a claim of the future was made before the clock was set back
      const [, since = '', original = ''] = /^\.sending-(\d+)-(.*)$/.exec(name) ?? [];
      if (original !== '' && Math.abs(now - Number(since)) > 60_000)
        tryRename(join(directory, name), join(directory, original));
    }
  } catch {
    // no directory: nothing was claimed
  }
}

function tryRename(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}
