/** Documents: notes that clients keep here. */
import { z } from 'zod';
import type { Document } from '../../domain/records.ts';
import {
  createDocument,
  deleteDocument,
  getDocument,
  listDocuments,
  replaceDocument,
} from '../../session/documents.ts';
import { toInstant } from '../../session/wire.ts';
import { readIdempotencyKey } from '../idempotency-key.ts';
import { type Access, admins, type Route, route } from '../route.ts';
import { idPath } from './path.ts';

const tag = 'documents';
const watchers: Access = ['admin', 'read-only'];
const documentShape = z.object({
  id: z.string(),
  title: z.string(),
  content: z.string(),
  tags: z.array(z.string()),
  createdAt: z.string(),
  updatedAt: z.string(),
});
const documentBody = z.object({
  title: z.string().trim().min(1).max(1000),
  content: z.string(),
  tags: z.array(z.string()).nullish(),
});
const one = { 200: documentShape };

/** Routes of `/api/v1/documents`. */
export const documentRoutes: readonly Route[] = [
  ...['/api/v1/documents', '/api/v1/documents/search'].map((path) =>
    route({
      method: 'GET',
      path,
      access: watchers,
      summary: 'Lists documents, newest first; by a part of the title, by a tag.',
      tag,
      query: z.object({
        title: z.string().optional(),
        q: z.string().optional(),
        search: z.string().optional(),
        tag: z.string().optional(),
      }),
      answers: { 200: z.array(documentShape) },
      handle: async ({ query, caller }, parts) => {
        const title = query.title ?? query.q ?? query.search;
        const filter = { ...(title ? { title } : {}), ...(query.tag ? { tag: query.tag } : {}) };
        return { status: 200, body: (await listDocuments(parts, caller, filter)).map(toWire) };
      },
    }),
  ),
  route({
    method: 'POST',
    path: '/api/v1/documents',
    access: admins,
    summary: 'Makes a document; with an Idempotency-Key header the same key gives the same document.',
    tag,
    body: documentBody,
    answers: one,
    handle: async ({ body, caller, headers }, parts) => {
      const key = readIdempotencyKey(headers);
      return { status: 200, body: toWire(await createDocument(parts, caller, body, { key })) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/documents/:id',
    access: watchers,
    summary: 'Gives one document.',
    tag,
    params: idPath,
    answers: one,
    handle: async ({ params, caller }, parts) => ({
      status: 200,
      body: toWire(await getDocument(parts, caller, params.id)),
    }),
  }),
  route({
    method: 'PUT',
    path: '/api/v1/documents/:id',
    access: admins,
    summary: 'Replaces a document.',
    tag,
    params: idPath,
    body: documentBody,
    answers: one,
    handle: async ({ params, body, caller }, parts) => ({
      status: 200,
      body: toWire(await replaceDocument(parts, { caller, id: params.id }, body)),
    }),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/documents/:id',
    access: admins,
    summary: 'Removes a document.',
    tag,
    params: idPath,
    answers: { 204: null },
    handle: async ({ params, caller }, parts) => {
      await deleteDocument(parts, caller, params.id);
      return { status: 204 };
    },
  }),
];

function toWire(document: Document): z.infer<typeof documentShape> {
  return {
    ...document,
    tags: [...document.tags],
    createdAt: toInstant(document.createdAt),
    updatedAt: toInstant(document.updatedAt),
  };
}
