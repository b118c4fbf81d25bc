import { ConflictError } from '../domain/errors.ts';
import { streamNames } from '../domain/task.ts';
import type { Reads } from '../store/store.ts';
import { tidyPath } from './artifact-name.ts';
import type { HeldAttempt } from './fence.ts';
import type { FinishReport } from './finish.ts';
import { isOther, wasEmptied } from './resend-stream.ts';

/**
 * Refuses the final report of an attempt while something that its agent sent is not here.
 * @returns whether the log is complete: false when a stream was sent twice and is still not what its agent says, which
 *          sending it a third time would not mend
 * @throws {ConflictError} KERUTA_ERR_ATTEMPT_UNFINISHED; `details` tell what is here and which artifacts are missing
 */
export async function checkBarrier(
  reads: Reads,
  held: HeldAttempt,
  report: FinishReport,
): Promise<{ readonly logComplete: boolean }> {
  const { task, attempt } = held;
  const { streams, controlSeq } = attempt;
  const differing = streamNames.filter(
    (name) =>
      streams[name].size !== report.streams[name].size || streams[name].crc32 !== report.streams[name].crc32,
  );
  let mayMend = false;
  for (const name of differing) {
    mayMend ||= !isOther(streams[name], report.streams[name]) || !(await wasEmptied(reads, held, name));
  }
  const here = new Set<string>();
  if (report.artifacts.length > 0) {
    for (const each of await reads.artifacts(task.id, attempt.number))
      here.add(`${each.sha256} ${each.path}`);
  }
  const missingArtifacts = report.artifacts.filter(
    ({ path, sha256 }) => !here.has(`${sha256} ${tidyPath(path)}`),
  );
  if (controlSeq >= report.controlSeq && !mayMend && missingArtifacts.length === 0) {
    return { logComplete: differing.length === 0 };
  }
  throw new ConflictError(
    'KERUTA_ERR_ATTEMPT_UNFINISHED',
    `attempt ${attempt.number} of task ${task.id} is not complete here: messages up to ${controlSeq} of ` +
      `${report.controlSeq}, stdout ${streams.stdout.size} of ${report.streams.stdout.size} bytes, stderr ` +
      `${streams.stderr.size} of ${report.streams.stderr.size} bytes, ${missingArtifacts.length} artifacts missing` +
      `${mayMend ? `, ${differing.join(' and ')} not as sent` : ''}; send the rest, then report again`,
    { details: { controlSeq, streams, missingArtifacts } },
  );
}
