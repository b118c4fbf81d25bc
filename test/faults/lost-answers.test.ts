import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from './lab/lab.ts';
import { type Mutation, mutations as plain, type Try, type World } from './lab/mutating-routes.ts';
import { hookEnv, workflowMutations } from './lab/mutating-workflows.ts';
import { tally } from './lab/rounds.ts';

/** D. F-40: every route that changes something, asked once with its answer lost and then again, as a client repeats it. */
const mutations: Readonly<Record<string, Mutation>> = { ...plain, ...workflowMutations };
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open('lost-answers', [], hookEnv);
});
afterAll(() => lab.close());

/** Fields that say when, not what. */
const volatile = new Set(['updatedAt', 'leaseUntil', 'renewedAt', 'lastSeenAt', 'lastUsedAt', 'timestamp']);

/** Calls on a connection of its own: one that was kept may be dead. @throws when the answer is lost */
async function call(url: string, method: string, { path, tried }: { path: string; tried: Try }) {
  const { json, body, headers } = tried;
  const content = new Response(json === undefined ? (body?.() ?? null) : JSON.stringify(json));
  const bytes = Buffer.from(await content.arrayBuffer());
  const type = json === undefined ? content.headers.get('content-type') : 'application/json';
  const sent = request(`${url}${path.startsWith('/webhook/') ? '' : '/api/v1'}${path}`, {
    method,
    agent: false,
    headers: {
      authorization: `Bearer ${lab.place.env.KERUTA_API_TOKEN}`,
      ...(bytes.length === 0 || type === null ? {} : { 'content-type': type }),
      'content-length': bytes.length,
      ...headers,
    },
  });
  sent.end(bytes);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const isJson = answer.headers['content-type']?.includes('json') === true;
  return { status: answer.statusCode ?? 0, text: await text(answer), isJson };
}

/** What is to be seen of an effect: the answers of some addresses, without times. */
async function see(world: World, { look }: Mutation, tried: Try): Promise<string[]> {
  const named: Readonly<Record<string, string>> = { session: world.session, task: world.task, ...tried.path };
  const shown = look.map(async (address) => {
    const path = address.replace(/\{(\w+)\}/g, (_all, name) => named[name] ?? '');
    const answer = await call(lab.server.url, 'GET', { path, tried: {} });
    if (answer.status !== 200) return String(answer.status);
    if (!answer.isJson) return answer.text;
    return JSON.stringify(JSON.parse(answer.text), (key, value) => (volatile.has(key) ? '' : value));
  });
  return Promise.all(shown);
}

test('F-40: every mutating route of the OpenAPI document is tried below', async () => {
  const document = (await lab.place.api('GET', '/openapi.json')) as { paths: Record<string, object> };
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => ['post', 'put', 'patch', 'delete'].includes(method))
      .map((method) => `${method.toUpperCase()} ${path.replace('/api/v1', '')}`),
  );
  expect(Object.keys(mutations).sort()).toEqual(routes.sort());
});

describe('F-40: with its first answer lost and then repeated,', () => {
  test.each(Object.entries(mutations))('%s has one effect', async (route, mutation) => {
    const session = await lab.place.session(`f40 ${route}`);
    const task = await lab.place.submit(session, 'true', { autoFix: true });
    const world: World = { place: lab.place, session, task };
    const tried = await mutation.ask(world);
    const [method = '', pattern = ''] = route.split(' ');
    const own = pattern.startsWith('/sessions') ? session : task;
    const values: Record<string, string> = { id: own, sessionId: session, n: '1', stream: 'stdout' };
    const path = pattern.replace(/\{(\w+)\}/g, (_all, name) => tried.path?.[name] ?? values[name] ?? '');
    const before = await see(world, mutation, tried);

    lab.proxy.set('eat');
    await expect(call(lab.proxy.url, method, { path, tried })).rejects.toThrow(/hang up|ECONNRESET/);
    const first = await see(world, mutation, tried);
    lab.proxy.set('pass');
    const answer = await call(lab.proxy.url, method, { path, tried });
    const second = await see(world, mutation, tried);

    if (mutation.look.length > 0) expect(first, 'it was applied').not.toEqual(before);
    expect(second).toEqual(first);
    if (mutation.again === undefined) expect([200, 201, 204, 403]).toContain(answer.status);
    else expect(answer.status).toBe(mutation.again);
    const note = `${route}: one effect; answered ${answer.status} the second time`;
    tally({ row: 'F-40', rounds: 1, note });
  });
});
