import type { Random } from '../../../pkg/random/random.ts';
import { UnavailableError } from '../../domain/errors.ts';
import { errorOfStrangeAnswer, readOffset } from '../answer-error.ts';
import { apiPath } from '../base-url.ts';
import { type UploadAnswer, type UploadRequest, uploadAnswer } from '../protocol.ts';
import type { ArtifactWire } from '../shapes.ts';
import type { ArtifactSource } from '../task-source.ts';
import { listOf, tolerantArtifact } from '../tolerant.ts';
import { multipartBody } from './multipart.ts';
import { type CallOptions, maxWordBytes, parseJson, type Transport } from './transport.ts';

/** Names one upload. */
export interface UploadRef {
  readonly taskId: string;
  readonly uploadId: string;
}

/** Calls about artifacts. They throw NotFoundError KERUTA_ERR_TASK_NOT_FOUND or KERUTA_ERR_ARTIFACT_NOT_FOUND. */
export interface ArtifactCalls {
  list(taskId: string, options?: CallOptions): Promise<ArtifactWire[]>;
  /** The bytes of an artifact as they come. */
  content(taskId: string, artifactId: string, options?: CallOptions): Promise<AsyncIterable<Uint8Array>>;
  delete(taskId: string, artifactId: string, options?: CallOptions): Promise<void>;
  /** Sends a whole file as a form, as every server takes it. @returns null when the server does not show it */
  upload(taskId: string, artifact: ArtifactSource, options?: CallOptions): Promise<ArtifactWire | null>;
  /** Begins an upload that can be broken off, or finds the one that was begun for the same path and digest. */
  beginUpload(taskId: string, request: UploadRequest, options?: CallOptions): Promise<UploadAnswer>;
  /** @returns the offset at which the next bytes go */
  headUpload(upload: UploadRef, options?: CallOptions): Promise<number>;
  /**
   * Sends a piece. The piece that completes the file gets the artifact for its answer.
   * @throws {ConflictError} KERUTA_ERR_OFFSET_MISMATCH with `details.offset`
   * @throws {InputError} KERUTA_ERR_ARTIFACT_DIGEST
   */
  patchUpload(
    upload: UploadRef,
    piece: { readonly offset: number; readonly bytes: Uint8Array },
    options?: CallOptions,
  ): Promise<{ readonly offset: number; readonly artifact: ArtifactWire | null }>;
}

const artifactList = listOf(tolerantArtifact);
const notFound = 'KERUTA_ERR_TASK_NOT_FOUND';

/** @see ArtifactCalls */
export function artifactCalls(transport: Transport, random: Random): ArtifactCalls {
  const pathOf = ({ taskId, uploadId }: UploadRef) =>
    apiPath('tasks', taskId, 'artifacts', 'uploads', uploadId);
  const one = { notFound: 'KERUTA_ERR_ARTIFACT_NOT_FOUND' } as const;
  return {
    list: (taskId, options) =>
      transport.json(
        { method: 'GET', path: apiPath('tasks', taskId, 'artifacts'), notFound, ...options },
        artifactList,
      ),
    content: async (taskId, artifactId, options) => {
      const path = apiPath('tasks', taskId, 'artifacts', artifactId, 'content');
      return (await transport.stream({ method: 'GET', path, headers: { accept: '*/*' }, ...one, ...options }))
        .bytes;
    },
    delete: async (taskId, artifactId, options) => {
      const path = apiPath('tasks', taskId, 'artifacts', artifactId);
      await transport.done({ method: 'DELETE', path, ...one, ...options });
    },
    upload: async (taskId, artifact, options) => {
      const { headers, body } = multipartBody(artifact, random.secret(18));
      const path = apiPath('tasks', taskId, 'artifacts');
      const answer = await transport.done({
        method: 'POST',
        path,
        headers,
        body,
        notFound,
        uncapped: true,
        ...options,
      });
      return tolerantArtifact.safeParse(parseJson(answer.body)).data ?? null;
    },
    beginUpload: (taskId, request, options) =>
      transport.json(
        {
          method: 'POST',
          path: apiPath('tasks', taskId, 'artifacts', 'uploads'),
          json: request,
          maxBytes: maxWordBytes,
          notFound,
          ...options,
        },
        uploadAnswer,
      ),
    headUpload: async (upload, options) => {
      const answer = await transport.done({ method: 'HEAD', path: pathOf(upload), ...one, ...options });
      return offsetOf(answer.headers);
    },
    patchUpload: async (upload, { offset, bytes }, options) => {
      const answer = await transport.done({
        method: 'PATCH',
        path: pathOf(upload),
        headers: { 'upload-offset': String(offset), 'content-type': 'application/octet-stream' },
        body: () => bytes,
        uncapped: true,
        ...one,
        ...options,
      });
      if (answer.status !== 201) return { offset: offsetOf(answer.headers), artifact: null };
      const made = tolerantArtifact.safeParse(parseJson(answer.body));
      if (made.success) return { offset: offset + bytes.length, artifact: made.data };
      const call = { method: 'PATCH', url: pathOf(upload), status: answer.status, body: answer.body };
      throw errorOfStrangeAnswer(call, 'not with the artifact');
    },
  };
}

/**
 * Reads where the next bytes go from the headers of a good answer.
 * @throws {UnavailableError} KERUTA_ERR_API_ANSWER when they do not say
 */
export function offsetOf(headers: Readonly<Record<string, string>>): number {
  const offset = readOffset(headers['upload-offset']);
  if (offset !== null) return offset;
  throw new UnavailableError(
    'KERUTA_ERR_API_ANSWER',
    'The API took the bytes, but its answer has no Upload-Offset header. Check for a proxy that removes headers.',
  );
}
