/**
 * A client that does by hand what an agent does (creates, claims, appends, uploads, finishes), repeats what was not
 * answered, and remembers what was: all of that must be there in the end.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { expect } from 'vitest';
import { type Place, pause } from '../../e2e/place.ts';

/** One answer. */
export interface Answer {
  /** 0: the connection broke before there was one */
  readonly status: number;
  readonly offset: number;
  readonly text: string;
  readonly tookMs: number;
}

/** What is sent. */
export interface Call {
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Calls the API of a place once. Never throws. */
export async function callOnce(place: Place, method: string, path: string, call: Call = {}): Promise<Answer> {
  const { KERUTA_API_URL: url = '', KERUTA_API_TOKEN: token = '' } = place.env;
  const before = performance.now();
  const { json, bytes } = call;
  const type = json === undefined ? 'application/octet-stream' : 'application/json';
  const body = json === undefined ? (bytes as Uint8Array<ArrayBuffer> | undefined) : JSON.stringify(json);
  try {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': type }),
        ...call.headers,
      },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await answer.text();
    const offset = Number(answer.headers.get('upload-offset') ?? Number.NaN);
    return { status: answer.status, offset, text, tookMs: performance.now() - before };
  } catch (error) {
    const text = error instanceof Error ? error.name : String(error);
    return { status: 0, offset: Number.NaN, text, tookMs: performance.now() - before };
  }
}

/** Silence, and the answers that say: not now. */
const notNow: readonly number[] = [0, 429, 503, 507];

/** A task that is acknowledged, and what of it is. */
interface Entry {
  readonly id: string;
  stdout: Buffer;
  artifact: Buffer | null;
  isFinished: boolean;
}

/** @see the head of this file */
export class Speaker {
  readonly journal: Entry[] = [];
  /** requests that were not answered, or refused for now */
  refused = 0;
  readonly #place: Place;
  readonly #sessionId: string;
  readonly #agentId = randomUUID();

  constructor(place: Place, sessionId: string) {
    this.#place = place;
    this.#sessionId = sessionId;
  }

  /** Tasks one after another until it is over; then the last is brought to its end. */
  async work(isOver: () => boolean): Promise<void> {
    while (!isOver()) await this.task();
  }

  /** One task, from its making to its end. */
  async task(chunks = 12): Promise<void> {
    const wish = { sessionId: this.#sessionId, name: 'spoken', script: 'true', autoFix: false };
    const made = await this.#insist('POST', '/tasks', {
      json: wish,
      headers: { 'idempotency-key': randomUUID() },
    });
    const entry: Entry = {
      ...{ id: (JSON.parse(made.text) as { id: string }).id, stdout: Buffer.alloc(0) },
      ...{ artifact: null, isFinished: false },
    };
    this.journal.push(entry);
    const claim = { agentId: this.#agentId, claimId: randomUUID() };
    const claimed = await this.#insist('POST', `/sessions/${this.#sessionId}/claim`, { json: claim });
    expect(JSON.parse(claimed.text)).toMatchObject({ claim: { task: { id: entry.id } } });
    for (let chunk = 0; chunk < chunks; chunk++)
      await this.append(entry, randomBytes(1 + ((chunk * 997) % 9000)));
    await this.#upload(entry, randomBytes(30_000));
    await this.#finish(entry);
  }

  /** Appends bytes; asks where to go on when the answer is lost, as an agent does. */
  async append(entry: Entry, bytes: Buffer): Promise<void> {
    const path = `/tasks/${entry.id}/attempts/1/streams/stdout`;
    const end = await this.#send(path, bytes, entry.stdout.length);
    entry.stdout = Buffer.concat([entry.stdout, bytes]);
    expect(end).toBe(entry.stdout.length);
  }

  /** An upload is begun anew after every fault: that also ends one whose bytes are all there. */
  async #upload(entry: Entry, bytes: Buffer): Promise<void> {
    const path = `/tasks/${entry.id}/artifacts/uploads`;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const wish = { json: { attempt: 1, path: 'bytes', size: bytes.length, sha256 } };
    for (let isThere = false; !isThere; ) {
      const { text } = await this.#insist('POST', path, wish);
      const begun = JSON.parse(text) as { uploadId: string; offset: number; artifactId: string | null };
      isThere = begun.artifactId !== null;
      if (isThere) break;
      const call = {
        bytes: bytes.subarray(begun.offset),
        headers: { 'upload-offset': String(begun.offset) },
      };
      const sent = await callOnce(this.#place, 'PATCH', `/api/v1${path}/${begun.uploadId}`, call);
      isThere = sent.status === 201;
      if (!isThere) this.refused += 1;
    }
    entry.artifact = bytes;
  }

  async #finish(entry: Entry): Promise<void> {
    const at = new Date(0).toISOString();
    const { stdout } = entry;
    const sha256 = createHash('sha256')
      .update(entry.artifact ?? '')
      .digest('hex');
    await this.#insist('POST', `/tasks/${entry.id}/attempts/1/finish`, {
      json: {
        ...{
          exitCode: 0,
          signal: null,
          reason: null,
          startedAt: at,
          exitedAt: at,
          controlSeq: 0,
          usage: null,
        },
        artifacts: [{ path: 'bytes', sha256 }],
        streams: { stdout: { size: stdout.length, crc32: crc32(stdout) }, stderr: { size: 0, crc32: 0 } },
      },
    });
    entry.isFinished = true;
  }

  /** Sends bytes that belong at an offset. @returns the end, as it was acknowledged */
  async #send(path: string, bytes: Buffer, base: number): Promise<number> {
    let at = base;
    while (at < base + bytes.length) {
      const headers = { 'upload-offset': String(at) };
      const sent = await callOnce(this.#place, 'PATCH', `/api/v1${path}`, {
        bytes: bytes.subarray(at - base),
        headers,
      });
      if (sent.status === 204) return sent.offset;
      this.refused += 1;
      expect([409, ...notNow], `PATCH ${path}: ${sent.text}`).toContain(sent.status);
      if (sent.status !== 409) await pause(20);
      const { offset } = await this.#insist('HEAD', path);
      // never less than what was acknowledged, never more than what was sent
      expect(offset).toBeGreaterThanOrEqual(base);
      expect(offset).toBeLessThanOrEqual(base + bytes.length);
      at = offset;
    }
    return at;
  }

  /** Repeats a call until it is answered. Only "not now" and silence are reasons to repeat. */
  async #insist(method: string, path: string, call: Call = {}): Promise<Answer> {
    for (const deadline = Date.now() + 60_000; ; ) {
      const answer = await callOnce(this.#place, method, `/api/v1${path}`, call);
      if (answer.status >= 200 && answer.status < 300) return answer;
      this.refused += 1;
      expect(notNow, `${method} ${path}: ${answer.text}`).toContain(answer.status);
      if (Date.now() > deadline) throw new Error(`not within a minute: ${method} ${path}: ${answer.text}`);
      await pause(20);
    }
  }

  /** Compares everything that was acknowledged with what is there. @returns how many bytes were compared */
  async check(): Promise<number> {
    let compared = 0;
    for (const entry of this.journal) {
      const shown = await this.#insist('GET', `/tasks/${entry.id}`);
      const status = entry.isFinished ? 'COMPLETED' : expect.any(String);
      expect(JSON.parse(shown.text), 'G-02: what was acknowledged').toMatchObject({ id: entry.id, status });
      const log = await this.#bytes(`/tasks/${entry.id}/logs?format=text&stream=stdout`);
      expect(log.equals(entry.stdout), `G-01: the bytes of ${entry.id}`).toBe(true);
      compared += log.length;
      if (entry.artifact === null) continue;
      const listed = await this.#insist('GET', `/tasks/${entry.id}/artifacts`);
      const artifacts = JSON.parse(listed.text) as { id: string }[];
      expect(artifacts).toHaveLength(1);
      const kept = await this.#bytes(`/tasks/${entry.id}/artifacts/${artifacts[0]?.id}/content`);
      expect(kept.equals(entry.artifact), `G-13: the artifact of ${entry.id}`).toBe(true);
      compared += kept.length;
    }
    return compared;
  }

  async #bytes(path: string): Promise<Buffer> {
    const { KERUTA_API_URL: url = '', KERUTA_API_TOKEN: token = '' } = this.#place.env;
    const answer = await fetch(`${url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(200);
    return Buffer.from(await answer.arrayBuffer());
  }
}
