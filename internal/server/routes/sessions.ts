/** Sessions: making, reading, changing, ending. */
import { z } from 'zod';
import { newSessionBody } from '../../api/requests.ts';
import { sessionShape, taskShape } from '../../api/shapes.ts';
import { DeniedError } from '../../domain/errors.ts';
import type { TemplateConfig } from '../../domain/session.ts';
import { visibleSession } from '../../session/authorize.ts';
import { createSession, type SessionWish } from '../../session/create-session.ts';
import {
  addTag,
  deleteSession,
  listSessions,
  removeTag,
  replaceSession,
  setSessionStatus,
} from '../../session/edit-session.ts';
import { listSessionTasks } from '../../session/list-tasks.ts';
import { toSessionWire, toTaskWire } from '../../session/wire.ts';
import { admins, operators, type Route, readers, route } from '../route.ts';
import { idPath, pageQuery, readPage } from './path.ts';

const tag = 'sessions';
const one = { 200: sessionShape };
const statusOnly = z.object({ status: z.string().trim().min(1) });

/** Routes of `/api/v1/sessions`. */
export const sessionRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/sessions',
    access: admins,
    summary: 'Makes a session.',
    tag,
    body: newSessionBody,
    answers: { 201: sessionShape },
    handle: async ({ body, caller }, parts) => ({
      status: 201,
      body: toSessionWire(await createSession(parts, caller, toWish(body))),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions',
    access: readers,
    summary: 'Lists sessions, newest first.',
    tag,
    answers: { 200: z.array(sessionShape) },
    handle: async ({ caller }, parts) => ({
      status: 200,
      body: (await listSessions(parts, caller, {})).map(toSessionWire),
    }),
  }),
  ...['/api/v1/sessions/:id', '/api/v1/sessions/:id/detail'].map((path) =>
    route({
      method: 'GET',
      path,
      access: readers,
      summary: 'Gives one session.',
      tag,
      params: idPath,
      answers: one,
      handle: async ({ params, caller }, parts) => ({
        status: 200,
        body: toSessionWire(await visibleSession(parts.store, caller, params.id)),
      }),
    }),
  ),
  route({
    method: 'PUT',
    path: '/api/v1/sessions/:id',
    access: operators,
    summary: 'Replaces what clients decide about a session; what is left out goes back to its default.',
    tag,
    params: idPath,
    body: newSessionBody,
    answers: one,
    handle: async ({ params, body, caller }, parts) => ({
      status: 200,
      body: toSessionWire(await replaceSession(parts, { caller, sessionId: params.id }, toWish(body))),
    }),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/sessions/:id',
    access: admins,
    summary: 'Removes a session and everything in it.',
    tag,
    params: idPath,
    answers: { 204: null },
    handle: async ({ params, caller }, parts) => {
      await deleteSession(parts, { caller, sessionId: params.id });
      return { status: 204 };
    },
  }),
  route({
    method: 'PUT',
    path: '/api/v1/sessions/:id/status',
    access: operators,
    summary: 'Is refused: the status of a session is set by its system-status.',
    tag,
    params: idPath,
    answers: {},
    handle: async ({ params }) => {
      throw new DeniedError(
        'KERUTA_ERR_FORBIDDEN',
        `The status of a session is not set here; use PUT /api/v1/sessions/${params.id}/system-status.`,
      );
    },
  }),
  route({
    method: 'PUT',
    path: '/api/v1/sessions/:id/system-status',
    access: operators,
    summary: 'Sets the status of a session; a closed one takes no more tasks.',
    tag,
    params: idPath,
    body: statusOnly,
    answers: one,
    handle: async ({ params, body, caller }, parts) => ({
      status: 200,
      body: toSessionWire(await setSessionStatus(parts, { caller, sessionId: params.id }, body.status)),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/sessions/:id/tags',
    access: operators,
    summary: 'Adds a tag to a session.',
    tag,
    params: idPath,
    body: z.object({ tag: z.string().trim().min(1).max(255) }),
    answers: one,
    handle: async ({ params, body, caller }, parts) => ({
      status: 200,
      body: toSessionWire(await addTag(parts, { caller, sessionId: params.id }, body.tag)),
    }),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/sessions/:id/tags/:tag',
    access: operators,
    summary: 'Takes a tag from a session.',
    tag,
    params: z.object({ id: z.string(), tag: z.string() }),
    answers: one,
    handle: async ({ params, caller }, parts) => ({
      status: 200,
      body: toSessionWire(await removeTag(parts, { caller, sessionId: params.id }, params.tag)),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/:id/tasks',
    access: readers,
    summary: 'Lists the tasks of a session in the order in which they run: priority, then age.',
    tag,
    params: idPath,
    query: pageQuery.extend({ status: z.string().optional() }),
    answers: { 200: z.array(taskShape) },
    handle: async ({ params, query, caller }, parts) => {
      const list = { sessionId: params.id, status: query.status, page: readPage(query) };
      const tasks = await listSessionTasks(parts, caller, { query: list, order: 'queue' });
      return { status: 200, body: tasks.map(toTaskWire) };
    },
  }),
];

function toWish(body: z.output<typeof newSessionBody>): SessionWish {
  const { templateConfig, ...rest } = body;
  if (!templateConfig) return rest;
  const { templatePath, preferredKeywords, parameters, ...others } = templateConfig;
  const config: TemplateConfig = {
    ...(others as TemplateConfig),
    ...(templatePath ? { templatePath } : {}),
    ...(preferredKeywords ? { preferredKeywords } : {}),
    ...(parameters ? { parameters } : {}),
  };
  return { ...rest, templateConfig: config };
}
