import { ConflictError } from '../domain/errors.ts';
import { streamNames } from '../domain/task.ts';
import type { Reads } from '../store/store.ts';
import { tidyPath } from './artifact-name.ts';
import type { HeldAttempt } from './fence.ts';
import type { FinishReport } from './finish.ts';

/**
 * Refuses the final report of an attempt while something that its agent sent is not here.
 * @throws {ConflictError} KERUTA_ERR_ATTEMPT_UNFINISHED; `details` tell what is here and which artifacts are missing
 */
export async function checkBarrier(
  reads: Reads,
  { task, attempt }: HeldAttempt,
  report: FinishReport,
): Promise<void> {
  const { streams, controlSeq } = attempt;
  const bytesDiffer = streamNames.some(
    (name) =>
      streams[name].size !== report.streams[name].size || streams[name].crc32 !== report.streams[name].crc32,
  );
  const here = new Set<string>();
  if (report.artifacts.length > 0) {
    for (const each of await reads.artifacts(task.id, attempt.number))
      here.add(`${each.sha256} ${each.path}`);
  }
  const missingArtifacts = report.artifacts.filter(
    ({ path, sha256 }) => !here.has(`${sha256} ${tidyPath(path)}`),
  );
  if (controlSeq >= report.controlSeq && !bytesDiffer && missingArtifacts.length === 0) return;
  throw new ConflictError(
    'KERUTA_ERR_ATTEMPT_UNFINISHED',
    `attempt ${attempt.number} of task ${task.id} is not complete here: messages up to ${controlSeq} of ` +
      `${report.controlSeq}, stdout ${streams.stdout.size} of ${report.streams.stdout.size} bytes, stderr ` +
      `${streams.stderr.size} of ${report.streams.stderr.size} bytes, ${missingArtifacts.length} artifacts missing; ` +
      'send the rest, then report again',
    { details: { controlSeq, streams, missingArtifacts } },
  );
}
