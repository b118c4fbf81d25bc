/** Files that tasks leave. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { artifactShape } from '../../api/shapes.ts';
import { InputError } from '../../domain/errors.ts';
import type { Artifact } from '../../domain/records.ts';
import { readFileName, readPath } from '../../session/artifact-name.ts';
import {
  addArtifact,
  listArtifacts,
  maxArtifactBytes,
  readArtifact,
  removeArtifact,
  showArtifact,
} from '../../session/artifacts.ts';
import type { SessionParts } from '../../session/parts.ts';
import { secondMaskOf } from '../../session/second-mask.ts';
import { toArtifactWire } from '../../session/wire.ts';
import { type MultipartPart, type Route, type RouteRequest, readers, route, speakers } from '../route.ts';

const path = '/api/v1/tasks/:id/artifacts';
const params = z.object({ id: z.string() });
const oneParams = params.extend({ artifactId: z.string() });

/** Room for the other parts of the form beside the file; bytes. */
const formBytes = 1024 * 1024;

/** What old clients send instead of a file: its name only. */
const metadataBody = z.object({ path: z.string().min(1), description: z.string().nullish() });

/** List, upload, download, remove. */
export const artifactRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path,
    access: readers,
    summary: 'Lists the artifacts of a task, oldest first.',
    tag: 'artifacts',
    params,
    answers: { 200: z.array(artifactShape) },
    handle: async ({ params: { id }, caller }, parts) => ({
      status: 200,
      body: (await listArtifacts(parts, caller, id)).map(toArtifactWire),
    }),
  }),
  route({
    method: 'POST',
    path,
    access: speakers,
    summary:
      'Stores a file: a form with the part file, and optionally description, path, sha256, mimeType and attempt before it or after it.',
    tag: 'artifacts',
    masked: true,
    params,
    body: metadataBody,
    bodyKind: 'multipart',
    // The limit is the operator's and is kept by the verb, which counts what passes.
    maxBodyBytes: Number.MAX_SAFE_INTEGER,
    answers: { 201: artifactShape },
    handle: async (request, parts) => ({ status: 201, body: toArtifactWire(await receive(request, parts)) }),
  }),
  route({
    method: 'GET',
    path: `${path}/:artifactId`,
    access: readers,
    summary: 'Shows what is known about an artifact.',
    tag: 'artifacts',
    params: oneParams,
    answers: { 200: artifactShape },
    handle: async ({ params: { id: taskId, artifactId }, caller }, parts) => ({
      status: 200,
      body: toArtifactWire(await showArtifact(parts, { caller, taskId, artifactId })),
    }),
  }),
  route({
    method: 'GET',
    path: `${path}/:artifactId/content`,
    access: readers,
    summary: 'Gives the bytes of an artifact, as a download that no browser shows.',
    tag: 'artifacts',
    params: oneParams,
    answers: { 200: null },
    handle: async ({ params: { id: taskId, artifactId }, caller }, parts) => {
      const artifact = await showArtifact(parts, { caller, taskId, artifactId });
      return {
        status: 200,
        headers: downloadHeaders(artifact),
        body: Readable.from(readArtifact(parts, artifact)),
      };
    },
  }),
  route({
    method: 'DELETE',
    path: `${path}/:artifactId`,
    access: speakers,
    summary: 'Removes an artifact.',
    tag: 'artifacts',
    params: oneParams,
    answers: { 204: null },
    handle: async ({ params: { id: taskId, artifactId }, caller }, parts) => {
      await removeArtifact(parts, { caller, taskId, artifactId });
      return { status: 204 };
    },
  }),
];

type Receiving = RouteRequest<z.output<typeof params>, unknown, z.output<typeof metadataBody>>;
type FilePart = Extract<MultipartPart, { kind: 'file' }>;

async function receive(request: Receiving, parts: SessionParts): Promise<Artifact> {
  const { params: at, caller, headers } = request;
  if (!/^multipart\//i.test(headers['content-type'] ?? '')) return receiveMetadata(request, parts);
  const limit = maxArtifactBytes(parts);
  if (Number(headers['content-length'] ?? 0) > limit + formBytes) {
    throw new InputError(
      'KERUTA_ERR_ARTIFACT_TOO_LARGE',
      `the upload is over the limit of ${limit} bytes for an artifact; make it smaller or raise the limit`,
      { details: { maxBytes: limit } },
    );
  }
  // One byte more than is allowed passes the parser, so that our own count refuses the file with its name.
  const form = request.parts({ maxFileBytes: limit + 1 })[Symbol.asyncIterator]();
  const { text: masked } = secondMaskOf(parts);
  const fields = new Map<string, string>();
  const file = await readToFile(form, fields);
  if (file === null) {
    throw new InputError('KERUTA_ERR_BAD_BODY', 'expected a form with a part named file, got one without');
  }
  const { stream: bytes } = file;
  const filename = masked(file.filename);
  const about = async () => {
    while ((await readToFile(form, fields))?.stream.resume()) {
      // further files of the form are passed over
    }
    const path = masked(fields.get('path') ?? '');
    return {
      attempt: readAttempt(fields.get('attempt')),
      path: path !== '' ? readPath(path) : readFileName(filename),
      contentType: (fields.get('mimeType') || fields.get('contentType') || file.contentType).slice(0, 255),
      description: masked(fields.get('description') ?? ''),
      unstable: fields.get('unstable') === 'true',
      sha256: fields.get('sha256')?.toLowerCase() || null,
    };
  };
  return addArtifact(parts, { caller, taskId: at.id, filename, bytes, about });
}

/** Reads the fields of a form up to its next file; null at its end. */
async function readToFile(
  form: AsyncIterator<MultipartPart>,
  fields: Map<string, string>,
): Promise<FilePart | null> {
  for (;;) {
    const { done, value: part } = await form.next();
    if (done) return null;
    if (part.kind === 'file') return part;
    fields.set(part.name, part.value);
  }
}

async function receiveMetadata(
  { params: at, caller, body }: Receiving,
  parts: SessionParts,
): Promise<Artifact> {
  const path = readPath(body.path);
  const about = async () => ({
    ...{ attempt: 0, path, contentType: 'application/octet-stream', unstable: false, sha256: null },
    description: body.description ?? '',
  });
  return addArtifact(parts, { caller, taskId: at.id, filename: path, bytes: Readable.from([]), about });
}

function readAttempt(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `expected a number in the part attempt, got ${JSON.stringify(text.slice(0, 40))}`,
  );
}

function downloadHeaders(artifact: Artifact): Readonly<Record<string, string>> {
  return {
    'content-type': /^[\w.+-]+\/[\w.+-]+(;[ \w.+="-]*)?$/.test(artifact.contentType)
      ? artifact.contentType
      : 'application/octet-stream',
    'content-length': String(artifact.size),
    'content-disposition': attachmentNamed(artifact.name),
    'content-security-policy': "sandbox; default-src 'none'",
    'x-content-type-options': 'nosniff',
    'cache-control': 'private, no-cache',
    etag: `"${artifact.sha256}"`,
  };
}

/** @see RFC 6266 and RFC 5987: a plain name for old readers, the true one in UTF-8 */
function attachmentNamed(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%;]/g, '_');
  const exact = encodeURIComponent(name).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}
