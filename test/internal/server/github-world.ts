/** A server that takes deliveries of GitHub, with an App at a fake of its API. */
import { createHmac } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { SessionParts } from '../../../internal/session/parts.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { GithubApp } from '../../../pkg/github/app.ts';
import { readAppKey } from '../../../pkg/github/app-key.ts';
import { makeHttp } from '../../../pkg/http/http.ts';
import { type FakeGithub, startFakeGithub } from '../../pkg/github/fake-github.ts';
import { startServer } from './start-server.ts';

/** Secrets of its webhook: the one that is used, and the one before. */
export const secrets = ['a-secret-of-more-than-thirty-two-bytes', 'the-one-before-of-more-than-32-bytes'];
let count = 0;

/** An App at a fake. Closed when the test ends. */
export async function openApp(): Promise<{ fake: FakeGithub; app: GithubApp }> {
  const fake = await startFakeGithub();
  const http = makeHttp({ userAgent: 'test' });
  onTestFinished(async () => {
    await http.close();
    await fake.close();
  });
  const { url: apiUrl, appId, pem } = fake;
  return { fake, app: new GithubApp({ apiUrl, appId, key: readAppKey(pem), http, clock: systemClock }) };
}

/** A server with an App at a fake GitHub, and one workflow for each trigger: `w0`, `w1`, … */
export async function openGithub(...triggers: object[]) {
  return openGithubWith({}, ...triggers);
}

/** Likewise. @param given  more of the workflows and of the server's parts; `hasApp` false: without an App */
export async function openGithubWith(
  given: { readonly workflow?: object; readonly parts?: Partial<SessionParts>; readonly hasApp?: boolean },
  ...triggers: object[]
) {
  const { fake, app } = await openApp();
  const github = { secrets, app: given.hasApp === false ? null : app, publicUrl: null };
  const server = await startServer({ parts: { github, ...given.parts } });
  onTestFinished(() => server.close());
  for (const [n, trigger] of triggers.entries()) {
    const one = { type: 'github', repository: 'acme/*', events: ['push', 'pull_request'], ...trigger };
    const made = await server.call('POST', 'workflows', {
      ...{ name: `w${n}`, run: 'true', overlap: 'allow', ...given.workflow },
      triggers: [one],
    });
    if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  }
  const send = (body: unknown, headers: Readonly<Record<string, string>> = {}, query = '') =>
    deliverTo(server.url, body, headers, query);
  return { server, fake, app, send };
}

/** Delivers a push, signed, with an id of its own. @param more  other headers */
export async function deliverTo(
  url: string,
  body: unknown,
  more: Readonly<Record<string, string>> = {},
  query = '',
) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${url}/api/v1/public/webhooks/github${query}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': `d-${++count}`,
      'x-hub-signature-256': sign(text),
      ...more,
    },
    body: text,
  });
  // biome-ignore lint/suspicious/noExplicitAny: looked at as a client without types does
  return { status: response.status, headers: response.headers, body: (await response.json()) as any };
}

/** The signature of a body. */
export function sign(text: string, secret = secrets[0] ?? ''): string {
  return `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`;
}
