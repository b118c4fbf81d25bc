/** Every route that changes something: how it is asked, what shows its effect, and what a repetition does to that. */
import { randomUUID } from 'node:crypto';
import type { Place } from '../../e2e/place.ts';

/** What one route is tried on; made anew for each. */
export interface World {
  readonly place: Place;
  readonly session: string;
  /** PENDING; with `attempt` it is PROCESSING */
  readonly task: string;
}

/** A request, exactly as it is repeated. */
export interface Try {
  readonly json?: unknown;
  readonly body?: () => string | FormData;
  readonly headers?: Readonly<Record<string, string>>;
  /** values of `{name}` in the path, beside id, sessionId, n and stream */
  readonly path?: Readonly<Record<string, string>>;
}

/** One route. */
export interface Mutation {
  /** makes what it needs */
  readonly ask: (world: World) => Promise<Try> | Try;
  /** addresses whose answers show the effect; `{session}`, `{task}` and what `path` has are filled in; none: it shows nowhere */
  readonly look: readonly string[];
  /** what the repetition is answered with; default: as the first time */
  readonly again?: number;
}

const at = '2026-01-01T00:00:00.000Z';
const end = { exitCode: 0, signal: null, reason: null, startedAt: at, exitedAt: at };
const stream = { size: 0, crc32: 0, lostBytes: 0 };
const finish = {
  ...end,
  controlSeq: 0,
  streams: { stdout: stream, stderr: stream },
  artifacts: [],
  usage: null,
};
const bytes = { 'content-type': 'application/octet-stream', 'upload-offset': '0' };
const upload = {
  path: 'a.txt',
  size: 1,
  sha256: '559aead08264d5795d3909718cdd05abd49572e84fe55590eef31a88a08fdffd',
};
const [tasks, logs, artifacts] = [
  '/sessions/{session}/tasks',
  '/tasks/{task}/logs',
  '/tasks/{task}/artifacts',
];
const [task, session, attempts] = ['/tasks/{task}', '/sessions/{session}', '/tasks/{task}/attempts'];
/** What clients that repeat a request send with it. */
export const withKey = () => ({ 'idempotency-key': randomUUID() });

/** Claims the task of a world first. */
async function claimed(world: World, tried: Try = {}): Promise<Try> {
  const wish = { agentId: randomUUID(), claimId: randomUUID(), waitMs: 1000 };
  await world.place.api('POST', `/sessions/${world.session}/claim`, wish);
  return tried;
}

/** Makes something first. @returns its id */
async function made(world: World, path: string, body: unknown): Promise<string> {
  return (await world.place.api<{ id: string }>('POST', path, body)).id;
}

const form = () => {
  const parts = new FormData();
  parts.append('file', new Blob(['A']), 'a.txt');
  return parts;
};
const document = { title: 't', content: 'c' };
/** Another one each time: a URL is registered once. */
const repository = () => ({
  name: 'r',
  url: `https://example.org/${randomUUID()}.git`,
  branch: 'main',
  authType: 'none',
});

/** By method and path of the OpenAPI document. */
export const mutations: Readonly<Record<string, Mutation>> = {
  'POST /sessions': { ask: () => ({ json: { name: randomUUID() } }), look: ['/sessions'], again: 409 },
  'PUT /sessions/{id}': { ask: () => ({ json: { name: randomUUID() } }), look: [session] },
  'DELETE /sessions/{id}': { ask: () => ({}), look: [session, task], again: 404 },
  'PUT /sessions/{id}/status': { ask: () => ({}), look: [] },
  'PUT /sessions/{id}/system-status': { ask: () => ({ json: { status: 'INACTIVE' } }), look: [session] },
  'POST /sessions/{id}/tags': { ask: () => ({ json: { tag: 'x' } }), look: [session] },
  'DELETE /sessions/{id}/tags/{tag}': {
    ask: async (world) => {
      await world.place.api('POST', `/sessions/${world.session}/tags`, { tag: 'x' });
      return { path: { tag: 'x' } };
    },
    look: [session],
  },
  'POST /sessions/{id}/logs': {
    ask: () => ({ json: { level: 'INFO', source: 's', action: 'a', message: 'm' }, headers: withKey() }),
    look: ['/sessions/{session}/logs'],
  },
  'DELETE /sessions/{id}/logs': {
    ask: async (world) => {
      const line = { level: 'INFO', source: 's', action: 'a', message: 'm' };
      await world.place.api('POST', `/sessions/${world.session}/logs`, line);
      return {};
    },
    look: ['/sessions/{session}/logs'],
  },
  'POST /sessions/{id}/monitor-workspaces': { ask: () => ({}), look: [] },
  'POST /sessions/{id}/sync-status': { ask: () => ({}), look: [] },
  'POST /sessions/{id}/claim': {
    ask: () => ({ json: { agentId: randomUUID(), claimId: randomUUID(), waitMs: 0 } }),
    look: [task, attempts],
  },
  'POST /tasks': {
    ask: (world) => ({
      json: { sessionId: world.session, name: 'n', script: 'true' },
      headers: withKey(),
    }),
    look: [tasks],
    again: 200,
  },
  'PUT /tasks/{id}': { ask: () => ({ json: { name: 'other' } }), look: [task] },
  'DELETE /tasks/{id}': { ask: () => ({}), look: [task, tasks] },
  'POST /tasks/{id}/subtasks': {
    ask: () => ({ json: { name: 'n', script: 'true' }, headers: withKey() }),
    look: [tasks],
    again: 200,
  },
  'POST /tasks/test/{sessionId}': { ask: () => ({ headers: withKey() }), look: [tasks], again: 200 },
  'PUT /tasks/{id}/status': { ask: () => ({ json: { status: 'PROCESSING', progress: 5 } }), look: [task] },
  'PATCH /tasks/{id}/status': { ask: () => ({ json: { status: 'PROCESSING', progress: 5 } }), look: [task] },
  'PATCH /tasks/{id}/progress': { ask: () => ({ json: { progress: 5, message: 'm' } }), look: [task] },
  'POST /tasks/{id}/logs': {
    ask: () => ({ json: { level: 'INFO', message: 'm' }, headers: withKey() }),
    look: [logs],
  },
  'POST /tasks/{id}/logs/batch': {
    ask: () => ({
      json: { logs: [1, 2, 3].map((n) => ({ level: 'INFO', message: `${n}` })) },
      headers: withKey(),
    }),
    look: [logs],
  },
  'DELETE /tasks/{id}/logs': {
    ask: async (world) => {
      await world.place.api('POST', `/tasks/${world.task}/logs`, { level: 'INFO', message: 'm' });
      return {};
    },
    look: [logs],
  },
  'POST /tasks/{id}/artifacts': { ask: () => ({ body: form }), look: [artifacts] },
  'DELETE /tasks/{id}/artifacts/{artifactId}': {
    ask: async (world) => {
      const file = { path: 'a.txt', size: 1, sha256: upload.sha256 };
      const { uploadId } = await world.place.api<{ uploadId: string }>(
        'POST',
        `/tasks/${world.task}/artifacts/uploads`,
        file,
      );
      await put(world, `/tasks/${world.task}/artifacts/uploads/${uploadId}`);
      const [artifact] = await world.place.artifacts(world.task);
      return { path: { artifactId: artifact?.id ?? '' } };
    },
    look: [artifacts],
    again: 404,
  },
  'POST /tasks/{id}/artifacts/uploads': { ask: () => ({ json: upload }), look: [] },
  'PATCH /tasks/{id}/artifacts/uploads/{uploadId}': {
    ask: async (world) => {
      const begun = await world.place.api<{ uploadId: string }>(
        'POST',
        `/tasks/${world.task}/artifacts/uploads`,
        upload,
      );
      return { path: { uploadId: begun.uploadId }, body: () => 'A', headers: bytes };
    },
    look: [artifacts],
  },
  'POST /tasks/{id}/attempts/{n}/renew': {
    ask: (world) => claimed(world, { json: { waitMs: 0 } }),
    look: [],
  },
  'POST /tasks/{id}/attempts/{n}/messages': {
    ask: async (world) => {
      await claimed(world);
      return {
        json: { messages: [{ seq: 1, kind: 'log', at, level: 'INFO', message: 'm', source: 'task' }] },
      };
    },
    look: [logs],
  },
  'PATCH /tasks/{id}/attempts/{n}/streams/{stream}': {
    ask: (world) => claimed(world, { body: () => 'bytes', headers: bytes }),
    look: ['/tasks/{task}/logs?format=text'],
    again: 409,
  },
  'POST /tasks/{id}/attempts/{n}/exited': {
    ask: (world) => claimed(world, { json: end }),
    look: [task, attempts],
  },
  'POST /tasks/{id}/attempts/{n}/finish': {
    ask: (world) => claimed(world, { json: finish }),
    look: [task, attempts, tasks],
  },
  'POST /tasks/{id}/auto-fix': {
    ask: async (world) => {
      await claimed(world);
      await world.place.api('POST', `/tasks/${world.task}/attempts/1/finish`, { ...finish, exitCode: 1 });
      return { json: { errorMessage: 'm', errorCode: 'c' } };
    },
    look: [tasks],
  },
  'POST /tasks/{id}/input-request': {
    ask: (world) => claimed(world, { json: { prompt: 'p' } }),
    look: ['/tasks/{task}/input-requests'],
  },
  'POST /tasks/{id}/input': {
    ask: async (world) => {
      await claimed(world);
      await world.place.api('POST', `/tasks/${world.task}/input-request`, { prompt: 'p' });
      const [request] = await world.place.api<{ id: string }[]>('GET', `/tasks/${world.task}/input-requests`);
      return { json: { input: 'i', promptId: request?.id } };
    },
    look: ['/tasks/{task}/input-requests'],
  },
  'POST /tasks/{id}/cancel': { ask: () => ({}), look: [task], again: 409 },
  'POST /tasks/{id}/retry': {
    ask: async (world) => {
      await world.place.api('POST', `/tasks/${world.task}/cancel`, {});
      return {};
    },
    look: [task, tasks],
    again: 409,
  },
  'POST /documents': { ask: () => ({ json: document, headers: withKey() }), look: ['/documents'] },
  'PUT /documents/{id}': {
    ask: async (world) => ({
      json: { ...document, title: 'u' },
      path: { id: await made(world, '/documents', document) },
    }),
    look: ['/documents'],
  },
  'DELETE /documents/{id}': {
    ask: async (world) => ({ path: { id: await made(world, '/documents', document) } }),
    look: ['/documents'],
    again: 404,
  },
  'POST /repositories': { ask: () => ({ json: repository() }), look: ['/repositories'], again: 400 },
  'PUT /repositories/{id}': {
    ask: async (world) => ({
      json: { ...repository(), name: 'u' },
      path: { id: await made(world, '/repositories', repository()) },
    }),
    look: ['/repositories'],
  },
  'DELETE /repositories/{id}': {
    ask: async (world) => ({ path: { id: await made(world, '/repositories', repository()) } }),
    look: ['/repositories'],
    again: 404,
  },
  'POST /repositories/{id}/toggle-status': {
    ask: async (world) => ({
      path: { id: await made(world, '/repositories', repository()) },
      headers: withKey(),
    }),
    look: ['/repositories'],
  },
  'POST /tokens': {
    ask: (world) => ({ json: { scope: 'session', sessionId: world.session }, headers: withKey() }),
    look: ['/tokens'],
    again: 409,
  },
  'DELETE /tokens/{id}': {
    ask: async (world) => ({
      path: { id: await made(world, '/tokens', { scope: 'session', sessionId: world.session }) },
    }),
    look: ['/tokens'],
  },
};

async function put({ place }: World, path: string): Promise<void> {
  await fetch(`${place.env.KERUTA_API_URL}/api/v1${path}`, {
    method: 'PATCH',
    headers: { ...bytes, authorization: `Bearer ${place.env.KERUTA_API_TOKEN}` },
    body: 'A',
  });
}
