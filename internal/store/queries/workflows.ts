import type { Db } from '../tables.ts';
import { workflowRow, workflowVersionRow } from '../workflow-nouns.ts';
import type { WorkflowReads, WorkflowWrites } from '../workflow-store.ts';
import { put } from './put.ts';

/** What may be asked about workflows as such. */
export function workflowReads(db: Db) {
  const one = async (column: 'id' | 'name', value: string) => {
    const row = await db.selectFrom('workflows').selectAll().where(column, '=', value).executeTakeFirst();
    return row ? workflowRow.decode(row) : null;
  };
  return {
    workflow: (id) => one('id', id),
    workflowByName: (name) => one('name', name),
    workflows: async () => {
      const rows = await db.selectFrom('workflows').selectAll().orderBy('name').execute();
      return rows.map(workflowRow.decode);
    },
    workflowVersions: async (workflowId) => {
      const rows = await db
        .selectFrom('workflow_versions')
        .selectAll()
        .where('workflow_id', '=', workflowId)
        .orderBy('version', 'desc')
        .execute();
      return rows.map(workflowVersionRow.decode);
    },
    workflowVersion: async (workflowId, version) => {
      const row = await db
        .selectFrom('workflow_versions')
        .selectAll()
        .where('workflow_id', '=', workflowId)
        .where('version', '=', version)
        .executeTakeFirst();
      return row ? workflowVersionRow.decode(row) : null;
    },
  } satisfies Partial<WorkflowReads>;
}

/** What may be written about them. */
export function workflowWrites(db: Db) {
  return {
    putWorkflow: async (workflow) => {
      await put(db, 'workflows', { row: workflowRow.encode(workflow), key: 'id' });
    },
    insertWorkflowVersion: async (version) => {
      await db.insertInto('workflow_versions').values(workflowVersionRow.encode(version)).execute();
    },
    deleteWorkflow: async (id) => {
      const own = db.selectFrom('triggers').select('id').where('workflow_id', '=', id);
      await db.deleteFrom('holds').where('scope', '=', 'trigger').where('name', 'in', own).execute();
      await db.deleteFrom('holds').where('scope', '=', 'workflow').where('name', '=', id).execute();
      await db.deleteFrom('workflows').where('id', '=', id).execute();
    },
  } satisfies Pick<WorkflowWrites, 'putWorkflow' | 'insertWorkflowVersion' | 'deleteWorkflow'>;
}
