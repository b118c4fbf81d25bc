/** The audit, on the wire. */
import { z } from 'zod';

/** One entry: who did what to a session or a task. */
export const auditEntryShape = z.object({
  id: z.string(),
  at: z.iso.datetime({ offset: true }),
  /** id of a token, or `system` */
  actor: z.string(),
  /** IP address from which it was asked for; null = by the server itself, or before addresses were kept */
  address: z.string().nullable(),
  /** such as `task.cancel` */
  action: z.string(),
  sessionId: z.string().nullable(),
  taskId: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
});
/** @see auditEntryShape */
export type AuditEntryWire = z.output<typeof auditEntryShape>;

/** Most entries of one page. */
export const maxAuditPage = 1_000;

/** Which entries are wanted: they are counted from the newest. */
export const auditQuery = z.object({
  limit: z.coerce.number().int().min(1).max(maxAuditPage).default(100),
  offset: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
});
