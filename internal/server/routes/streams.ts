/** Byte streams at offsets: the server holds the offset, the agent goes on from there. */
import { z } from 'zod';
import { InputError } from '../../domain/errors.ts';
import { streamNames } from '../../domain/task.ts';
import { appendStream, declareLost, streamState } from '../../session/append-stream.ts';
import { type Route, readers, route, speakers } from '../route.ts';
import { attemptParams, attemptPath } from './attempts.ts';

const path = `${attemptPath}/streams/:stream`;
const params = attemptParams.extend({ stream: z.enum(streamNames) });

/** Asking for the offset of a stream, and appending to it. */
export const streamRoutes: readonly Route[] = [
  route({
    method: 'HEAD',
    path,
    access: readers,
    summary: 'Tells in Upload-Offset how many bytes of a stream are here.',
    tag: 'streams',
    unmetered: true,
    params,
    answers: { 200: null },
    handle: async ({ params: { id: taskId, n: number, stream }, caller }, parts) => {
      const state = await streamState(parts, { caller, taskId, number, stream });
      return {
        status: 200,
        headers: {
          'upload-offset': String(state.size),
          'lost-bytes': String(state.lostBytes),
          'cache-control': 'no-store',
        },
      };
    },
  }),
  route({
    method: 'PATCH',
    path,
    access: speakers,
    summary: 'Appends bytes at Upload-Offset; with Lost-Bytes: declares that so many were lost there.',
    tag: 'streams',
    unmetered: true,
    params,
    bodyKind: 'stream',
    answers: { 204: null },
    handle: async (request, parts) => {
      const { id: taskId, n: number, stream } = request.params;
      const at = { caller: request.caller, taskId, number, stream, offset: readOffset(request.headers) };
      const lost = request.headers['lost-bytes'];
      const end =
        lost === undefined
          ? await appendStream(parts, { ...at, bytes: request.stream })
          : await declareLost(parts, { ...at, lostBytes: readCount('Lost-Bytes', lost) });
      return { status: 204, headers: { 'upload-offset': String(end) } };
    },
  }),
];

/** Reads the header Upload-Offset. @throws {InputError} KERUTA_ERR_BAD_VALUE */
export function readOffset(headers: Readonly<Record<string, string | undefined>>): number {
  return readCount('Upload-Offset', headers['upload-offset']);
}

function readCount(name: string, text: string | undefined): number {
  if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text);
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `expected a number of bytes in the header ${name}, got ${text === undefined ? 'none' : JSON.stringify(text.slice(0, 40))}`,
  );
}
