/** Reads what the server has of a task's output: as bytes, and as a live reader sees it. */
import { createHash } from 'node:crypto';
import type { Place } from '../../e2e/place.ts';

/** Bytes that were read to their end. */
export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/** Downloads one stream of a task and sums it, without holding it. */
export async function digestOf(place: Place, id: string, stream: 'stdout' | 'stderr'): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of await open(place, `/tasks/${id}/logs?format=text&stream=${stream}`)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** A piece of output as live readers get it. */
export interface Piece {
  readonly stream: 'stdout' | 'stderr';
  /** of its first byte */
  readonly offset: number;
  readonly text: string;
}

/** Follows a task live. The caller stops by leaving the loop. @throws when what comes is no JSON */
export async function* livePieces(place: Place, id: string): AsyncGenerator<Piece, void, void> {
  const decoder = new TextDecoder();
  let held = '';
  let event = '';
  for await (const chunk of await open(place, `/tasks/${id}/events`)) {
    const lines = (held + decoder.decode(chunk, { stream: true })).split('\n');
    held = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('event: ')) event = line.slice('event: '.length);
      if (!line.startsWith('data: ')) continue;
      const data = JSON.parse(line.slice('data: '.length)) as Piece;
      if (event === 'output') yield data;
      if (event === 'end') return;
    }
  }
}

async function open(place: Place, path: string): Promise<AsyncIterable<Uint8Array>> {
  const { KERUTA_API_URL: url = '', KERUTA_API_TOKEN: token = '' } = place.env;
  const answer = await fetch(`${url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
  if (!answer.ok || answer.body === null) throw new Error(`${path}: ${answer.status}`);
  return answer.body as unknown as AsyncIterable<Uint8Array>;
}
