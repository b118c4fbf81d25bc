import type { WorkflowHistory } from '../domain/governance.ts';
import type { Workflow } from '../domain/workflow.ts';
import { recordAct } from './append-ledger.ts';
import { namedWorkflow } from './apply-workflow.ts';
import { announceBreaker } from './notify/announce-waits.ts';
import type { Caller, SessionParts } from './parts.ts';
import { historyRow } from './run-history.ts';

/**
 * Closes the breaker of a workflow with an empty window, whatever it was. Nothing is put on record for one that is as new.
 * @throws {NotFoundError} KERUTA_ERR_WORKFLOW_NOT_FOUND
 */
export async function resetBreaker(
  parts: SessionParts,
  wish: { readonly caller: Caller; readonly workflow: string },
): Promise<{ readonly workflow: Workflow; readonly was: WorkflowHistory['breaker'] }> {
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    const workflow = await namedWorkflow(tx, wish.workflow);
    await tx.lockSession(`policy workflow ${workflow.id}`);
    const row = await historyRow(tx, workflow.id);
    if (row.breaker === null) return { workflow, was: null };
    await tx.putWorkflowHistory({ ...row, breaker: null, version: row.version + 1 });
    await recordAct(tx, parts, {
      ...{ caller: wish.caller, action: 'breaker.reset', now, workflow },
      details: { was: row.breaker?.state ?? 'closed', results: row.breaker?.results ?? '' },
    });
    tx.notify('triggers');
    if (row.breaker !== null && row.breaker.state !== 'closed')
      await announceBreaker(tx, parts, {
        ...{ workflow, state: null, key: `reset ${row.version}`, task: null, now },
      });
    return { workflow, was: row.breaker };
  });
}
