import { z } from 'zod';
import { type AuditEntryWire, auditEntryShape } from '../audit-shapes.ts';
import { apiPath } from '../base-url.ts';
import type { CallOptions, Transport } from './transport.ts';

/** Calls about the audit. */
export interface AuditCalls {
  /** The newest entries, the newest first. @param limit  1 to `maxAuditPage` */
  list(limit: number, options?: CallOptions): Promise<AuditEntryWire[]>;
}

/** @see AuditCalls */
export function auditCalls(transport: Transport): AuditCalls {
  return {
    list: (limit, options) => {
      const call = { method: 'GET', path: apiPath('audit'), query: { limit: String(limit) } } as const;
      return transport.json({ ...call, ...options }, z.array(auditEntryShape));
    },
  };
}
