/** The audit: read only. What decides about executions, and tokens, is in the ledger. */
import { z } from 'zod';
import { auditEntryShape, auditQuery } from '../../api/audit-shapes.ts';
import { requireUnbound } from '../../session/authorize.ts';
import { toInstant } from '../../session/wire.ts';
import { lookers, type Route, route } from '../route.ts';

/** Routes of `/api/v1/audit`. */
export const auditRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/audit',
    access: lookers,
    summary: 'Lists who did what to sessions and tasks, when and from where, the newest first.',
    tag: 'ledger',
    query: auditQuery,
    answers: { 200: z.array(auditEntryShape) },
    handle: async ({ query, caller }, { store }) => {
      requireUnbound(caller, 'the audit');
      const entries = await store.audit(query);
      return { status: 200, body: entries.map((entry) => ({ ...entry, at: toInstant(entry.at) })) };
    },
  }),
];
