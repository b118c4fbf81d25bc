/** As much of GitHub's API as an App uses, on a free port; it checks proofs and tokens as GitHub does. */
import { generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the fake answers instead, once. */
export interface FakeFault {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly message?: string;
  /** only to requests whose path has this in it; default: any */
  readonly at?: string;
  /** whether it does what was asked before, as when an answer gets lost on its way */
  readonly isDone?: boolean;
}

/** A fake, listening. */
export interface FakeGithub {
  readonly url: string;
  readonly appId: string;
  /** private key of the App, PEM */
  readonly pem: string;
  /** `POST /repos/…` and so on, in the order they came */
  readonly asked: string[];
  readonly statuses: {
    readonly at: string;
    readonly state: string;
    readonly context: string;
    readonly description: string;
    readonly target_url?: string;
  }[];
  readonly comments: { readonly at: string; readonly body: string }[];
  /** every token that was given out */
  readonly tokens: string[];
  /** what comparisons and pull requests list */
  files: string[];
  /** answers with this status instead, as long as it is not 0 */
  fault: number;
  /** answers like these first, each once */
  readonly faults: FakeFault[];
  /** old name of a repository: the number it is found under now */
  readonly renamed: Map<string, number>;
  /** how long tokens hold; ms */
  tokenLifeMs: number;
  close(): Promise<void>;
}

interface Question {
  readonly method: string;
  readonly pathname: string;
  readonly query: URLSearchParams;
  readonly token: string;
  readonly text: string;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Permitted {
  /** name, or number */
  readonly repository: string | number;
  readonly permissions: Readonly<Record<string, string>>;
  readonly until: number;
}

const notFound: Answer = { status: 404, body: { message: 'Not Found' } };

/** Starts a fake. @param now  what it takes for the time; epoch ms */
export async function startFakeGithub(now: () => number = Date.now): Promise<FakeGithub> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const permitted = new Map<string, Permitted>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { pathname, searchParams: query } = new URL(request.url ?? '', 'http://fake');
      const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
      const question = { method: request.method ?? '', pathname, query, token };
      const { status, headers, body } = answer({ ...question, text: Buffer.concat(chunks).toString() });
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    });
  });

  const answer = (question: Question): Answer => {
    const { method, pathname } = question;
    fake.asked.push(`${method} ${pathname}`);
    if (fake.fault !== 0) return { status: fake.fault, body: { message: 'fault' } };
    const index = fake.faults.findIndex(({ at }) => at === undefined || pathname.includes(at));
    const [fault] = index < 0 ? [] : fake.faults.splice(index, 1);
    if (fault !== undefined) {
      if (fault.isDone) byToken(question);
      return {
        status: fault.status,
        body: { message: fault.message ?? 'fault' },
        headers: fault.headers ?? {},
      };
    }
    const [, name = '', rest = ''] = /^\/repos\/([^/]+\/[^/]+)\/(.*)/.exec(pathname) ?? [];
    const moved = fake.renamed.get(name);
    if (moved !== undefined) {
      const location = `${fake.url}/repositories/${moved}/${rest}`;
      return { status: method === 'GET' ? 301 : 307, headers: { location }, body: { message: 'Moved' } };
    }
    const isOfApp = pathname.endsWith('/installation') || pathname.startsWith('/app');
    return isOfApp ? byProof(question) : byToken(question);
  };

  const byProof = ({ pathname, token: proof, text }: Question): Answer => {
    if (!isProof(proof, fake.appId, publicKey, now())) return { status: 401, body: { message: 'bad proof' } };
    if (pathname === '/app') return { status: 200, body: { slug: 'keeper' } };
    if (pathname.endsWith('/installation')) return { status: 200, body: { id: 375706 } };
    const { repositories, repository_ids, permissions } = JSON.parse(text);
    const token = `ghs_${String(fake.tokens.length + 1).padStart(36, 'x')}`;
    const until = now() + fake.tokenLifeMs;
    fake.tokens.push(token);
    permitted.set(token, { repository: repositories?.[0] ?? repository_ids[0], permissions, until });
    return { status: 201, body: { token, expires_at: new Date(until).toISOString() } };
  };

  const byToken = ({ method, pathname, query, token, text }: Question): Answer => {
    const [, name = ''] = /^\/repos\/[^/]+\/([^/]+)/.exec(pathname) ?? [];
    const may = permitted.get(token);
    const isItsName = typeof may?.repository === 'number' || name === may?.repository;
    if (may === undefined || may.until < now() || !isItsName)
      return { status: 401, body: { message: 'bad credentials' } };
    const { permissions } = may;
    if (pathname.includes('/compare/') && permissions.contents)
      return { status: 200, body: { files: fake.files.slice(0, 300).map((filename) => ({ filename })) } };
    if (pathname.endsWith('/files') && permissions.pull_requests) {
      const from = (Number(query.get('page')) - 1) * 100;
      return { status: 200, body: fake.files.slice(from, from + 100).map((filename) => ({ filename })) };
    }
    if (pathname.includes('/statuses/') && permissions.statuses === 'write') {
      fake.statuses.push({ at: pathname, ...JSON.parse(text) });
      return { status: 201, body: {} };
    }
    if (pathname.endsWith('/comments') && [permissions.issues, permissions.pull_requests].includes('write')) {
      if (method === 'GET') {
        const from = (Number(query.get('page')) - 1) * 100;
        const here = fake.comments.filter(({ at }) => at === pathname);
        return { status: 200, body: here.slice(from, from + 100) };
      }
      fake.comments.push({ at: pathname, ...JSON.parse(text) });
      return { status: 201, body: {} };
    }
    return notFound;
  };

  const fake: FakeGithub = {
    ...{ url: '', appId: '4711', asked: [], statuses: [], comments: [], tokens: [], files: [], fault: 0 },
    ...{ faults: [], renamed: new Map(), tokenLifeMs: 3_600_000 },
    pem: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(fake, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

function isProof(token: string, appId: string, key: KeyObject, now: number): boolean {
  const [head = '', claims = '', signature = ''] = token.split('.');
  if (!verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url')))
    return false;
  const { alg } = JSON.parse(Buffer.from(head, 'base64url').toString());
  const { iss, iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString());
  return alg === 'RS256' && iss === appId && iat * 1000 <= now && exp * 1000 > now && exp - iat <= 600;
}
