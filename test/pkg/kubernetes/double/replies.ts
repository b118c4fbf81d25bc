import type { ServerResponse } from 'node:http';
import type { Document } from '../../../fixtures/schemas/make-check.ts';

/** What Kubernetes calls that which a request asks for. */
export function verbOf(method: string, url: URL, name: string | undefined): string {
  if (method === 'POST') return 'create';
  if (method === 'DELETE') return 'delete';
  if (name !== undefined) return 'get';
  return url.searchParams.has('watch') ? 'watch' : 'list';
}

/** The object that says why something was not done. */
export function statusOf(code: number, reason: string, message: string): Document {
  return { apiVersion: 'v1', kind: 'Status', status: 'Failure', metadata: {}, code, reason, message };
}

/** Answers that something was not done. */
export function refuse(
  response: ServerResponse,
  status: number,
  reason: string,
  message: string,
): ServerResponse {
  return answer(response, status, statusOf(status, reason, message));
}

/** Answers with an object. */
export function answer(response: ServerResponse, status: number, body: Document): ServerResponse {
  response.writeHead(status, { 'content-type': 'application/json' });
  return response.end(JSON.stringify(body));
}

/** Answers with the claim of a volume for many, or that there is none. */
export function answerClaim(
  response: ServerResponse,
  claim: { readonly name: string; readonly namespace: string; readonly isThere: boolean },
): ServerResponse {
  const { name, namespace, isThere } = claim;
  if (!isThere) return refuse(response, 404, 'NotFound', `no claim ${name}`);
  return answer(response, 200, {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace },
    spec: { accessModes: ['ReadWriteMany'] },
    status: { phase: 'Bound' },
  });
}
