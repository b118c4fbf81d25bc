// Three services as toys, in one server: a task registry, a repository pool and an artifact store. What they take is what the runner of agent
// tasks sends to yours. Usage: node services.mjs [PORT] [DIRECTORY]
import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';

const [port = '8001', directory = 'services'] = process.argv.slice(2);
const [slots, artifacts] = ['slots', 'artifacts'].map((name) => resolve(directory, name));
for (const one of [slots, artifacts]) mkdirSync(one, { recursive: true });
const token = process.env.SERVICES_TOKEN ?? '';
const free = [];
let made = 0;

const json = async (request) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString() || 'null');
};

/** Every route: what it is asked by, and what it answers. */
const routes = [
  [
    'PATCH',
    /^\/tasks\/([^/]+)$/,
    async (request, [id]) => said(`task ${id} is ${(await json(request)).status}`),
  ],
  [
    'POST',
    /^\/tasks\/([^/]+)\/events$/,
    async (request, [id]) => {
      const { type, data } = await json(request);
      return said(`task ${id} tells ${type} ${JSON.stringify(data)}`);
    },
  ],
  [
    'POST',
    /^\/tasks\/([^/]+)\/artifacts$/,
    async (request, [id]) => {
      const { type, uri } = await json(request);
      return said(`task ${id} made ${type} ${uri}`);
    },
  ],
  [
    'POST',
    /^\/slots\/allocate$/,
    async (request) => {
      const { repo_url: url, required_by: by } = await json(request);
      const slot = free.pop() ?? `slot-${++made}`;
      const path = join(slots, slot);
      execFileSync('rm', ['-rf', path]);
      execFileSync('git', ['clone', '--quiet', '--', url, path]);
      said(`${slot} goes to ${by}`);
      return { slot_id: slot, slot_path: path };
    },
  ],
  [
    'POST',
    /^\/slots\/release$/,
    async (request) => {
      const { slot_id: slot } = await json(request);
      free.push(slot);
      return said(`${slot} comes back`);
    },
  ],
  [
    'POST',
    /^\/artifacts$/,
    async (request, _, query) => {
      const file = join(artifacts, `${query.get('type')}-${basename(query.get('name') ?? '')}`);
      await pipeline(request, createWriteStream(file));
      said(`keeps ${query.get('name')} of task ${query.get('taskId')}`);
      return { uri: `file://${file}` };
    },
  ],
];

/** What happens is printed; the answer is empty. */
function said(text) {
  process.stdout.write(`${text}\n`);
  return null;
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const answer = (status, body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (token !== '' && request.headers.authorization !== `Bearer ${token}`)
    return answer(401, { error: 'a token is needed' });
  for (const [method, path, act] of routes) {
    const found = request.method === method ? path.exec(url.pathname) : null;
    if (found === null) continue;
    try {
      return answer(200, await act(request, found.slice(1).map(decodeURIComponent), url.searchParams));
    } catch (error) {
      return answer(500, { error: String(error) });
    }
  }
  answer(404, { error: `nothing is at ${request.method} ${url.pathname}` });
});
server.listen(Number(port), '127.0.0.1', () => said(`listens on http://127.0.0.1:${server.address().port}`));
