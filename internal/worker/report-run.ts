import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import type { FinishReport } from '../api/task-source.ts';
import { KerutaError } from '../domain/errors.ts';
import type { Outcome } from '../domain/outcome.ts';
import { type EndStatus, isEnded, parseTaskStatus } from '../domain/task-status.ts';
import type { BegunRun } from './begin-run.ts';
import { fixRequest } from './fix-request.ts';
import type { FollowedRun } from './follow-run.ts';
import { reportOf, wantsFix } from './report.ts';
import { persist } from './retry.ts';
import type { Scene } from './scene.ts';
import type { SentArtifact } from './send-artifact.ts';
import type { TaskParts } from './task-parts.ts';

const nothing = { size: 0, crc32: 0, lostBytes: 0 };
/** How often a report is repeated that the server calls incomplete, each time after sending what it lacks. */
const maxRounds = 10;

/**
 * Says the last word about an attempt, behind everything else that was said.
 * @returns what was reported, and the task's status
 * @throws {ConflictError} KERUTA_ERR_ATTEMPT_SUPERSEDED and its like; the reason of `scene.life`
 */
export async function reportRun(
  parts: TaskParts,
  scene: Scene,
  source: {
    readonly begun: BegunRun | Outcome;
    readonly followed: FollowedRun;
    readonly artifacts: readonly SentArtifact[];
  },
): Promise<{ readonly report: FinishReport; readonly status: EndStatus }> {
  const { followed, begun, artifacts } = source;
  const { delivery } = followed;
  const outcome = withoutSecrets(scene, followed.outcome);
  const said = scene.cursor.state.declared;
  const declared = said === null ? null : withoutSecrets(scene, said);
  const isFixed = wantsFix(scene.record.task, outcome, { declared, autoFix: parts.options.autoFix });
  const fix = isFixed && 'run' in begun ? await fixRequest(parts, scene, { begun, outcome }) : null;
  await scene.messages.drained(scene.life);
  for (let round = 1; ; round++) {
    const report = reportOf({
      outcome,
      declared,
      startedAt: followed.startedAt,
      exitedAt: followed.exitedAt,
      controlSeq: scene.messages.lastSeq,
      streams: delivery?.streams() ?? { stdout: nothing, stderr: nothing },
      artifacts: artifacts.map(({ path, sha256 }) => ({ path, sha256 })),
      usage: followed.usage,
      fix,
    });
    failpoint('before_final');
    try {
      const answer = await persist(parts, 'reporting the end', {
        signal: scene.life,
        run: (signal) => scene.reporter.finish(report, signal),
      });
      parts.log.info('the task has ended', {
        taskId: scene.record.task.id,
        status: answer.status,
        exitCode: outcome.exitCode,
        reason: outcome.reason,
        fixTaskId: answer.fixTaskId,
      });
      failpoint('after_ack');
      return { report, status: statusOf(answer.status, outcome) };
    } catch (error) {
      if (!isUnfinished(error) || delivery === null || round >= maxRounds) throw asGone(scene, error);
      parts.log.warn('the server lacks bytes of the run; they are sent again', { round });
      await delivery.recheck(scene.life);
    }
  }
}

/** Masks the texts of an end, with what became known since they were written too. */
function withoutSecrets<T extends { readonly message: string; readonly errorCode: string }>(
  { masking }: Scene,
  end: T,
): T {
  return { ...end, message: masking.text(end.message), errorCode: masking.text(end.errorCode) };
}

function isUnfinished(error: unknown): boolean {
  return error instanceof KerutaError && error.code === 'KERUTA_ERR_ATTEMPT_UNFINISHED';
}

/** A report that the server refuses for good: the attempt is given up, so that the next task can run. */
function asGone(scene: Scene, error: unknown): unknown {
  if (!scene.life.aborted && error instanceof KerutaError) scene.fail(error);
  return error;
}

/** A retry puts the task back to PENDING: what this attempt came to is then our own judgement. */
function statusOf(text: string, outcome: Outcome): EndStatus {
  const status = parseTaskStatus(text);
  return status !== null && isEnded(status) ? status : outcome.status;
}
