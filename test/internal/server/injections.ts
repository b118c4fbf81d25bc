/** S-61: texts that would be commands somewhere, in the place of every text that a route takes. */
import { z } from 'zod';
import { routes } from '../../../internal/server/routes.ts';
import { fillIn, makeThings, mustAnswer, type Things } from './route-things.ts';
import { adminToken, type TestServer } from './start-server.ts';
import { type Expectation, matrix } from './token-matrix.ts';

/** What `{{5077*6101}}` comes to wherever it is worked out. */
const product = String(5077 * 6101);

/** By what would take them for its own. */
export const injections: Readonly<Record<string, readonly string[]>> = {
  sql: [
    "' OR '1'='1",
    "x'; DROP TABLE tasks; DELETE FROM sessions; --",
    "') UNION SELECT hash FROM tokens --",
    "%' OR name LIKE '%_",
    '" OR ""="',
    "\\'; UPDATE sessions SET name = 'x'; --",
    '$1::text || ?',
  ],
  path: [
    '../../../../etc/passwd',
    '..%2f..%2fadmin.token',
    '..\\..\\admin.token',
    '/etc/passwd',
    'file:///etc/passwd',
  ],
  header: ['x\r\nX-Injected: yes\r\n\r\n<b>', 'x%0d%0aX-Injected: yes'],
  nul: ['\u0000', 'a\u0000b', 'x%00', '\ud800'],
  template: [
    '{{5077*6101}}',
    '\u0024{5077*6101}',
    '<%= 5077*6101 %>',
    '#{5077*6101}',
    '$((5077*6101))',
    '`id`',
    '%n%s',
  ],
};

/** What only the inside of a server, or somebody else's place, has. */
const never = new RegExp(
  `${product}|root:x:0|uid=\\d|bystander|krt_(adm|ses|ro)_|syntax error|SQLITE_|unterminated|at character \\d|node_modules`,
);

/** One request with an injection in one place. */
interface Attack {
  readonly path: string;
  readonly body?: unknown;
  readonly place: string;
}

const shapeOf = (schema: unknown): Readonly<Record<string, z.ZodType>> =>
  schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : {};

/** Things that belong to no session, one of each kind: what a path names by its first word. */
async function makeUnbound(server: TestServer): Promise<Readonly<Record<string, string>>> {
  const must = async (path: string, body: object) =>
    (await mustAnswer(server, { method: 'POST', path, body })).id ?? '';
  const repository = { name: 'own', url: 'https://example.org/own.git', branch: 'main', authType: 'none' };
  const trigger = { type: 'file', path: '~/in' };
  await must('workflows', { name: 'own', session: 'own', run: 'true', triggers: [trigger] });
  return {
    documents: await must('documents', { title: 't', content: 'c' }),
    repositories: await must('repositories', repository),
    tokens: await must('tokens', { scope: 'read-only' }),
    ...{ workflows: 'own', deployment: 'own', triggers: 'own', webhook: 'own', public: 'own' },
  };
}

/** What an injection is tried on. */
interface Target {
  readonly route: (typeof routes)[number];
  readonly expectation: Expectation;
  readonly things: Things;
  readonly unbound: Readonly<Record<string, string>>;
}

/** Every place of a route that takes a text, with the text in it. */
function attacksOn({ route, expectation, things, unbound }: Target, text: string) {
  const [, word = ''] = /^(?:\/api\/v1)?\/(\w+)/.exec(route.path) ?? [];
  const id = unbound[word];
  const fill = (value: string) =>
    fillIn(id === undefined ? value : value.replace(/:(id|name)\b/g, id), {
      things,
      owned: expectation.owned,
    });
  const encoded = encodeURIComponent(text.toWellFormed());
  const own = fill(route.path) + (expectation.query ? `?${fill(expectation.query)}` : '');
  const isJson = expectation.body !== undefined && !(expectation.body instanceof Uint8Array);
  const body = isJson ? JSON.parse(fill(JSON.stringify(expectation.body))) : expectation.body;
  const attacks: Attack[] = [];
  for (const [, name = ''] of route.path.matchAll(/:(\w+)/g)) {
    const path = fill(route.path.replace(`:${name}`, '\u0001')).replace('\u0001', encoded);
    attacks.push({ path, body, place: `:${name}` });
  }
  for (const name of Object.keys(shapeOf(route.query))) {
    const others = new URLSearchParams(fill(expectation.query ?? ''));
    others.delete(name);
    const path = `${fill(route.path)}?${name}=${encoded}&${others}`;
    attacks.push({ path, body, place: `?${name}` });
  }
  const fields = { ...shapeOf(route.body), ...(isJson ? (body as object) : {}) };
  for (const name of isJson ? Object.keys(fields) : []) {
    const takesText = shapeOf(route.body)[name]?.safeParse('x').success ?? true;
    if (takesText) attacks.push({ path: own, body: { ...body, [name]: text }, place: `{${name}}` });
  }
  return attacks;
}

/** What somebody else has here, who does nothing. */
async function bystander(server: TestServer) {
  const must = (method: string, path: string, body?: unknown) => mustAnswer(server, { method, path, body });
  const things = await makeThings(server);
  await must('PUT', `sessions/${things.session}`, { name: 'bystander', description: 'bystander' });
  await must('POST', `tasks/${things.task}/logs`, { level: 'INFO', message: 'bystander' });
  await must('POST', `tasks/${things.task}/input-request`, { prompt: 'bystander' });
  const document = await must('POST', 'documents', { title: 'bystander', content: 'bystander' });
  const url = 'https://example.org/bystander.git';
  const wish = { name: 'bystander', url, branch: 'main', authType: 'none' };
  const repository = await must('POST', 'repositories', wish);
  await must('POST', 'workflows', { name: 'bystander', session: 'bystander', run: 'true' });
  const addresses = [
    ...[`sessions/${things.session}`, `sessions/${things.session}/tasks`, `sessions/${things.session}/logs`],
    ...['', '/logs', '/artifacts', '/input-requests', '/attempts'].map((end) => `tasks/${things.task}${end}`),
    ...[`documents/${document.id}`, `repositories/${repository.id}`, 'workflows/bystander'],
  ];
  return async () => {
    const seen: unknown[] = [];
    for (const path of addresses) seen.push([path, await must('GET', path)]);
    return seen;
  };
}

/**
 * Sends every injection of some kinds into every place of every route: with the token of a session where that may ask,
 * else as an administrator.
 * @returns how many were sent, what was wrong with answers, and what somebody else had before and has now
 */
export async function inject(server: TestServer, kinds: readonly string[]) {
  const look = await bystander(server);
  const before = await look();
  const unbound = await makeUnbound(server);
  const texts = kinds.flatMap((kind) => injections[kind] ?? []);
  const wrong: string[] = [];
  let sent = 0;
  for (const route of routes) {
    const expectation = matrix[`${route.method} ${route.path}`];
    if (expectation === undefined) throw new Error(`nobody has said who may call ${route.path}`);
    const things = await makeThings(server);
    const wish = { scope: 'session', sessionId: things.session };
    const { token } = await mustAnswer(server, { method: 'POST', path: 'tokens', body: wish });
    const isBound = expectation.who.includes('s');
    const attacks = texts.flatMap((text) => attacksOn({ route, expectation, things, unbound }, text));
    for (const attack of attacks) {
      const told = await send(server, attack, {
        route,
        expectation,
        token: (isBound && token) || adminToken,
      });
      // an administrator may see what everybody has
      const isLeak = never.test(isBound ? told.text : told.text.replaceAll('bystander', ''));
      if (told.status >= 500 || told.status < 200 || told.isInjected || isLeak)
        wrong.push(
          `${route.method} ${attack.path} ${attack.place}: ${told.status} ${told.text.slice(0, 200)}`,
        );
    }
    sent += attacks.length;
  }
  return { sent, wrong, before, after: await look() };
}

async function send(
  server: TestServer,
  { path, body }: Attack,
  by: {
    readonly route: { readonly method: string };
    readonly expectation: Expectation;
    readonly token: string;
  },
) {
  const { route, expectation, token } = by;
  const stop = new AbortController();
  const isBytes = body instanceof Uint8Array;
  const answer = await fetch(server.url + path, {
    method: route.method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined || isBytes ? {} : { 'content-type': 'application/json' }),
      ...expectation.headers,
    },
    ...(body === undefined ? {} : { body: (isBytes ? body : JSON.stringify(body)) as never }),
    signal: stop.signal,
    redirect: 'manual',
  });
  const isEndless = expectation.live && answer.status < 300;
  const text = isEndless ? '' : await answer.text();
  stop.abort();
  return { status: answer.status, text: withoutOwnToken(text), isInjected: answer.headers.has('x-injected') };
}

/** Without the token that POST /tokens is there to tell. */
function withoutOwnToken(text: string): string {
  return text.replace(/"token":"krt_[a-z]+_[\w-]{43}"/g, '');
}
