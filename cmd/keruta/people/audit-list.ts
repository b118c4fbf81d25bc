import type { AuditEntryWire } from '../../../internal/api/audit-shapes.ts';
import { maxAuditPage } from '../../../internal/api/audit-shapes.ts';
import { command } from '../command.ts';
import { printJson, printTable, shortId } from './print.ts';

/** `keruta audit list` */
export const auditList = command({
  name: 'audit list',
  summary: 'Lists who did what to sessions and tasks, when and from where, the newest first.',
  positionals: {},
  options: { limit: { kind: 'int', doc: 'how many', default: 20, range: [1, maxAuditPage] } },
  examples: ['keruta audit list', 'keruta audit list --limit 1000 --json'],
  run: async (context, { limit }) => {
    const client = await context.makeClient();
    const entries = await client.audit.list(limit, { signal: context.signal });
    if (context.json) {
      await printJson(context, entries);
      return 0;
    }
    const columns = ['AT', 'WHAT', 'TASK', 'SESSION', 'BY', 'FROM'].map((title) => ({ title }));
    await printTable(context, columns, entries.map(rowOf), 'nobody did anything yet');
    return 0;
  },
});

const rowOf = ({ at, action, taskId, sessionId, actor, address }: AuditEntryWire): string[] => [
  at,
  action,
  taskId === null ? '-' : shortId(taskId),
  sessionId === null ? '-' : shortId(sessionId),
  actor === 'system' ? actor : shortId(actor),
  address ?? '-',
];
