/** Runs that wait for somebody's yes. */
import { ConflictError, DeniedError, InputError, NotFoundError } from '../domain/errors.ts';
import type { Approval } from '../domain/governance.ts';
import type { Trigger, Workflow } from '../domain/workflow.ts';
import type { Reads, Transaction } from '../store/store.ts';
import { reasonText } from '../trigger/reason-text.ts';
import { recordAct } from './append-ledger.ts';
import { maySeeSession } from './authorize.ts';
import { type Fired, fireIn } from './fire.ts';
import type { Caller, SessionParts } from './parts.ts';

/** Most questions of one answer. */
const maxListed = 1000;

/** Which question, and who answers it. */
export interface ApprovalRef {
  readonly caller: Caller;
  readonly id: string;
}

/** The questions that a caller may see, newest first; those that wait, unless all are asked for. */
export async function listApprovals(
  parts: SessionParts,
  wish: { readonly caller: Caller; readonly isAll: boolean },
): Promise<readonly Approval[]> {
  const { caller, isAll } = wish;
  const now = await parts.store.now();
  const filter = {
    ...(isAll ? {} : { state: 'asked' as const }),
    ...(caller.sessionId === null ? {} : { sessionId: caller.sessionId }),
  };
  const all = await parts.store.approvals(filter, { limit: maxListed, offset: 0 });
  return isAll ? all : all.filter(({ expiresAt }) => expiresAt > now);
}

/** What became of an approval. */
export interface Approved {
  readonly approval: Approval;
  /** the run; its task is null when another role is asked now */
  readonly fired: Fired;
  readonly next: Approval | null;
}

/**
 * Says yes: the run starts, unless somebody else has to agree too. It runs what was asked for: the same version of the workflow
 * with the same parameters, once.
 *
 * @throws {NotFoundError} KERUTA_ERR_APPROVAL_NOT_FOUND, KERUTA_ERR_APPROVAL_EXPIRED
 * @throws {DeniedError} KERUTA_ERR_FORBIDDEN without the role; KERUTA_ERR_POLICY when another limit stands in the way: then
 *         the question stays open
 * @throws {ConflictError} KERUTA_ERR_APPROVAL_DECIDED; {InputError} KERUTA_ERR_APPROVAL_CHANGED
 */
export async function approve(parts: SessionParts, ref: ApprovalRef): Promise<Approved> {
  const seen = await visibleApproval(parts.store, ref);
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    await tx.lockTrigger(seen.triggerId);
    const approval = await decidable(tx, ref, now);
    const { workflow, trigger } = await unchanged(tx, approval);
    const occurrence = await tx.occurrence(approval.triggerId, approval.key);
    if (occurrence === null) throw changed(approval);
    const decided = await decide(tx, parts, { ref, approval, state: 'approved', now });
    const event = occurrence.eventId === null ? null : await tx.triggerEvent(occurrence.eventId);
    const { key, source, nominalAt, effectiveAt, details } = occurrence;
    const { checks: _, approvalId: __, expiresAt: ___, role: ____, ...kept } = details;
    const fired = await fireIn(tx, parts, {
      ...{ trigger, workflow, key, source, nominalAt, effectiveAt, now, actor: approval.actor },
      ...{ reason: 'asked', instead: occurrence, parameters: approval.parameters },
      ...(event === null ? {} : { event, isEventKept: true }),
      approved: [...approval.approved, approval.role],
      details: { ...kept, approvalId: approval.id, approvedBy: ref.caller.actor },
    });
    if (fired.task !== null) return { approval: decided, fired, next: null };
    if (fired.refused?.reason !== 'approval_asked') throw stillRefused(fired);
    return { approval: decided, fired, next: await tx.approval(String(fired.refused.details.approvalId)) };
  });
}

/** Says no: the occurrence stays on record as not run. @throws as approve */
export async function deny(parts: SessionParts, ref: ApprovalRef): Promise<Approval> {
  const seen = await visibleApproval(parts.store, ref);
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    await tx.lockTrigger(seen.triggerId);
    const approval = await decidable(tx, ref, now);
    return decide(tx, parts, { ref, approval, state: 'denied', now });
  });
}

async function visibleApproval(reads: Reads, { caller, id }: ApprovalRef): Promise<Approval> {
  const found = await reads.approval(id);
  if (found !== null && maySeeSession(caller, found.sessionId)) return found;
  throw new NotFoundError(
    'KERUTA_ERR_APPROVAL_NOT_FOUND',
    `There is no approval ${JSON.stringify(id.slice(0, 80))}; list those that wait with: keruta approval list`,
  );
}

async function decidable(tx: Transaction, ref: ApprovalRef, now: number): Promise<Approval> {
  const approval = await visibleApproval(tx, ref);
  const { caller } = ref;
  const hasRole = caller.role === approval.role || (approval.role === 'admin' && caller.scope === 'admin');
  if (!hasRole)
    throw new DeniedError(
      'KERUTA_ERR_FORBIDDEN',
      `Approval ${approval.id} is for the role ${approval.role}, and the token ${caller.role ? `has the role ${caller.role}` : 'has none'}; make one with: keruta token create --role ${approval.role}`,
    );
  if (approval.state !== 'asked')
    throw new ConflictError(
      'KERUTA_ERR_APPROVAL_DECIDED',
      `Approval ${approval.id} was ${approval.state} by ${approval.decidedBy} at ${iso(approval.decidedAt ?? 0)}; it counts once.`,
    );
  if (approval.expiresAt <= now)
    throw new NotFoundError(
      'KERUTA_ERR_APPROVAL_EXPIRED',
      `Approval ${approval.id} ended at ${iso(approval.expiresAt)} and nothing was run; fire it again to ask anew.`,
    );
  return approval;
}

async function unchanged(
  tx: Transaction,
  approval: Approval,
): Promise<{ readonly workflow: Workflow; readonly trigger: Trigger }> {
  const workflow = await tx.workflow(approval.workflowId);
  const trigger = await tx.trigger(approval.triggerId);
  if (workflow === null || trigger === null || workflow.version !== approval.workflowVersion)
    throw changed(approval);
  return { workflow, trigger };
}

function changed(approval: Approval): InputError {
  return new InputError(
    'KERUTA_ERR_APPROVAL_CHANGED',
    `What approval ${approval.id} was asked for has changed since: version ${approval.workflowVersion} of its workflow is not the newest any more. Fire it again to ask anew.`,
  );
}

function stillRefused({ refused }: Fired): DeniedError {
  const reason = refused?.reason ?? 'failed';
  return new DeniedError(
    'KERUTA_ERR_POLICY',
    `Nothing is run yet: ${reasonText(reason)}. The approval stays open; give it again later.`,
    { details: { reason, ...refused?.details } },
  );
}

async function decide(
  tx: Transaction,
  parts: SessionParts,
  what: {
    readonly ref: ApprovalRef;
    readonly approval: Approval;
    readonly state: 'approved' | 'denied';
    readonly now: number;
  },
): Promise<Approval> {
  const { ref, approval, state, now } = what;
  const { actor } = ref.caller;
  const decided: Approval = { ...approval, state, decidedBy: actor, decidedAt: now };
  await tx.putApproval(decided);
  const workflow = await tx.workflow(approval.workflowId);
  await recordAct(tx, parts, {
    ...{ caller: ref.caller, action: `approval.${state}`, now },
    ...(workflow === null ? {} : { workflow }),
    details: {
      approvalId: approval.id,
      role: approval.role,
      sessionId: approval.sessionId,
      key: approval.key,
    },
  });
  return decided;
}

const iso = (at: number) => new Date(at).toISOString();
