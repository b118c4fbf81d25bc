/** Uploads of artifacts that can be resumed where they were cut. */
import { z } from 'zod';
import { uploadAnswer, uploadRequest } from '../../api/protocol.ts';
import { artifactShape } from '../../api/shapes.ts';
import { appendUpload, beginUpload, uploadOffset } from '../../session/uploads.ts';
import { toArtifactWire } from '../../session/wire.ts';
import { type Route, route, speakers } from '../route.ts';
import { readOffset } from './streams.ts';

const path = '/api/v1/tasks/:id/artifacts/uploads';
const params = z.object({ id: z.string() });
const oneParams = params.extend({ uploadId: z.string() });

/** One piece of an upload; agents and commands send half of it. Bytes. */
export const maxPieceBytes = 8 * 1024 * 1024;

/** Beginning an upload, asking how far it is, sending more of it. */
export const uploadRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path,
    access: speakers,
    summary:
      'Begins or finds an upload; an artifact with this path and digest that is here already ends it at once.',
    tag: 'artifacts',
    unmetered: true,
    masked: true,
    params,
    body: uploadRequest,
    answers: { 200: uploadAnswer },
    handle: async ({ params: { id: taskId }, body, caller }, parts) => ({
      status: 200,
      body: await beginUpload(parts, { caller, taskId, request: body }),
    }),
  }),
  route({
    method: 'HEAD',
    path: `${path}/:uploadId`,
    access: speakers,
    summary: 'Tells in Upload-Offset how many bytes of an upload are here.',
    tag: 'artifacts',
    unmetered: true,
    params: oneParams,
    answers: { 200: null },
    handle: async ({ params: { id: taskId, uploadId }, caller }, parts) => {
      const offset = await uploadOffset(parts, { caller, taskId, uploadId });
      return { status: 200, headers: { 'upload-offset': String(offset), 'cache-control': 'no-store' } };
    },
  }),
  route({
    method: 'PATCH',
    path: `${path}/:uploadId`,
    access: speakers,
    summary: 'Appends bytes to an upload at Upload-Offset; the last ones answer 201 with the artifact.',
    tag: 'artifacts',
    unmetered: true,
    params: oneParams,
    bodyKind: 'stream',
    maxBodyBytes: maxPieceBytes,
    answers: { 204: null, 201: artifactShape },
    handle: async (request, parts) => {
      const { id: taskId, uploadId } = request.params;
      const offset = readOffset(request.headers);
      const { caller, stream: bytes } = request;
      const given = await appendUpload(parts, { caller, taskId, uploadId, offset, bytes });
      const headers = { 'upload-offset': String(given.offset) };
      if (given.artifact === null) return { status: 204, headers };
      return { status: 201, headers, body: toArtifactWire(given.artifact) };
    },
  }),
];
