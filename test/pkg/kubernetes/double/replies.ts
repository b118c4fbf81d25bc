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

/** What an API server has against an object besides its shape; null: nothing. */
export function objectFaults(body: Document, namespace: string): string | null {
  const { metadata, spec, stringData = {}, data = {} } = body;
  const isName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(metadata.name);
  const labels = Object.values<string>({ ...metadata.labels, ...spec?.template.metadata.labels });
  const isLabelled = labels.every((text) => /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/.test(text));
  if (!isName || !isLabelled || metadata.namespace !== namespace) return 'name, label or namespace';
  if (body.kind !== 'Secret') return null;
  const values = Object.entries<string>({ ...data, ...stringData });
  if (!values.every(([key]) => /^[-._a-zA-Z0-9]{1,253}$/.test(key))) return 'data: a key';
  const bytes = values.reduce((sum, [, value]) => sum + Buffer.byteLength(value), 0);
  return bytes > 1_048_576 ? 'data: Too long: may not be more than 1048576 bytes' : null;
}
