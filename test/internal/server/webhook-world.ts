import { createHmac } from 'node:crypto';
import { makeTriggerHost } from '../../../internal/session/trigger-host.ts';
import type { TriggerHost } from '../../../internal/trigger/trigger-type.ts';
import type { Answer, TestServer } from './start-server.ts';

/** The secrets of the servers under test, by the names of their variables. */
export const secrets: Record<string, string> = {
  HOOK_SECRET: 'a-secret-of-more-than-thirty-two-bytes',
  NEXT_SECRET: 'another-secret-of-more-than-32-bytes-',
};

/** What triggers get to know of a server under test. */
export function hostOf(more: Partial<TriggerHost> = {}): TriggerHost {
  return { ...makeTriggerHost({ isLoopback: true, variable: (name) => secrets[name] }), ...more };
}

/** The usual way in of these tests. */
export const github = { type: 'github', secretEnv: 'HOOK_SECRET' };

/** Makes a workflow with one webhook. */
export async function applyHook(server: TestServer, trigger: object = {}, more: object = {}): Promise<void> {
  const answer = await server.call('POST', 'workflows', {
    ...{ name: 'w', run: 'true', overlap: 'allow' },
    triggers: [{ type: 'webhook', auth: github, ...trigger }],
    ...more,
  });
  if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
}

/** A delivery, signed as GitHub does. */
export interface Sending {
  readonly path?: string;
  readonly body?: string | Uint8Array;
  readonly id?: string;
  readonly secret?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
}

/** The header of GitHub's signature. */
export function sign(body: string | Uint8Array, secret = secrets.HOOK_SECRET ?? ''): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

/** Sends a delivery. */
export async function send(url: string, sending: Sending = {}): Promise<Answer> {
  const { path = '/api/v1/public/webhook/workflow/w', body = '{"n":1}', id, method = 'POST' } = sending;
  const response = await fetch(url + path, {
    method,
    headers: {
      'content-type': 'application/json',
      'x-hub-signature-256': sign(body, sending.secret),
      'x-github-event': 'push',
      ...(id === undefined ? {} : { 'x-github-delivery': id }),
      ...sending.headers,
    },
    ...(method === 'GET' ? {} : { body: body as never }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}
