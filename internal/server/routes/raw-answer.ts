import { readRange } from '../../../pkg/http/range.ts';
import { openRawLog, type RawLogWish } from '../../session/raw-log.ts';
import type { RouteAnswer, RouteRequest } from '../route.ts';

const plain = {
  'content-type': 'text/plain; charset=utf-8',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/** What is asked of raw output. */
export interface RawWish extends RawLogWish {
  /** where the answer begins in it; bytes; absent = 0 */
  readonly from?: number | undefined;
  /** head, mark and tail are enough; not looked at when the request says which bytes it wants */
  readonly elide?: boolean;
}

/**
 * Answers with raw output: whole, from an offset on, or the one Range that the request names; or as a view, whose header
 * Elided-Bytes tells how much it leaves out. No length is declared: where the store was damaged bytes are missing, and an
 * answer shorter than its length would leave the client waiting for the rest.
 *
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND, KERUTA_ERR_ATTEMPT_NOT_FOUND
 */
export async function rawAnswer(
  { caller, headers }: Pick<RouteRequest, 'caller' | 'headers'>,
  parts: Parameters<typeof openRawLog>[0],
  { from: offset, elide = false, ...wish }: RawWish,
): Promise<RouteAnswer> {
  const log = await openRawLog(parts, caller, wish);
  if (elide && offset === undefined && headers.range === undefined && log.elidedBytes > 0) {
    return { status: 200, headers: { ...plain, 'elided-bytes': String(log.elidedBytes) }, body: log.view() };
  }
  const base = Math.min(offset ?? 0, log.size);
  const size = log.size - base;
  // there is no validator that If-Range could name
  const range = headers['if-range'] === undefined ? readRange(headers.range, size) : null;
  const common = { ...plain, 'accept-ranges': 'bytes' };
  if (range === 'unsatisfiable') {
    return { status: 416, headers: { ...common, 'content-range': `bytes */${size}` }, body: '' };
  }
  const { from, to } = range ?? { from: 0, to: size };
  return {
    status: range ? 206 : 200,
    headers: {
      ...common,
      ...(range ? { 'content-range': `bytes ${from}-${to - 1}/${size}` } : {}),
    },
    body: log.read({ from: base + from, to: base + to }),
  };
}
