/** As much of GitHub's API as an App uses, on a free port; it checks proofs and tokens as GitHub does. */
import { generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

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
    readonly target_url?: string;
  }[];
  readonly comments: { readonly at: string; readonly body: string }[];
  /** every token that was given out */
  readonly tokens: string[];
  /** what comparisons and pull requests list */
  files: string[];
  /** answers with this status instead, as long as it is not 0 */
  fault: number;
  /** how long tokens hold; ms */
  tokenLifeMs: number;
  close(): Promise<void>;
}

/** Starts a fake. @param now  what it takes for the time; epoch ms */
export async function startFakeGithub(now: () => number = Date.now): Promise<FakeGithub> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const permitted = new Map<
    string,
    { readonly repository: string; readonly permissions: Record<string, string>; readonly until: number }
  >();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const { status, body } = answer(
        request.method ?? '',
        request.url ?? '',
        request.headers.authorization ?? '',
        text,
      );
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  const answer = (
    method: string,
    url: string,
    authorization: string,
    text: string,
  ): { status: number; body: unknown } => {
    const { pathname, searchParams } = new URL(url, 'http://fake');
    fake.asked.push(`${method} ${pathname}`);
    if (fake.fault !== 0) return { status: fake.fault, body: { message: 'fault' } };
    const given = authorization.replace(/^Bearer /, '');
    const [, repository = ''] = /^\/repos\/([^/]+\/[^/]+)/.exec(pathname) ?? [];
    if (pathname.endsWith('/installation') || pathname.startsWith('/app')) {
      if (!isProof(given, fake.appId, publicKey, now()))
        return { status: 401, body: { message: 'bad proof' } };
      if (pathname === '/app') return { status: 200, body: { slug: 'keeper' } };
      if (pathname.endsWith('/installation')) return { status: 200, body: { id: 375706 } };
      const wish = JSON.parse(text) as { repositories: string[]; permissions: Record<string, string> };
      const token = `ghs_${String(fake.tokens.length + 1).padStart(36, 'x')}`;
      const until = now() + fake.tokenLifeMs;
      fake.tokens.push(token);
      permitted.set(token, { repository: wish.repositories[0] ?? '', permissions: wish.permissions, until });
      return { status: 201, body: { token, expires_at: new Date(until).toISOString() } };
    }
    const may = permitted.get(given);
    if (may === undefined || may.until < now() || repository.split('/')[1] !== may.repository)
      return { status: 401, body: { message: 'bad credentials' } };
    const files = fake.files.map((filename) => ({ filename }));
    if (pathname.includes('/compare/') && may.permissions.contents)
      return { status: 200, body: { files: files.slice(0, 300) } };
    if (pathname.endsWith('/files') && may.permissions.pull_requests) {
      const from = (Number(searchParams.get('page')) - 1) * 100;
      return { status: 200, body: files.slice(from, from + 100) };
    }
    if (pathname.includes('/statuses/') && may.permissions.statuses === 'write') {
      fake.statuses.push({ at: pathname, ...JSON.parse(text) });
      return { status: 201, body: {} };
    }
    if (pathname.endsWith('/comments') && may.permissions.issues === 'write') {
      fake.comments.push({ at: pathname, ...JSON.parse(text) });
      return { status: 201, body: {} };
    }
    return { status: 404, body: { message: 'Not Found' } };
  };
  const fake: FakeGithub = {
    ...{ url: '', appId: '4711', asked: [], statuses: [], comments: [], tokens: [], files: [], fault: 0 },
    tokenLifeMs: 3_600_000,
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
