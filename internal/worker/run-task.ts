import { maskedLog } from '../../pkg/log/masked-log.ts';
import type { EndStatus } from '../domain/task-status.ts';
import { beginRun } from './begin-run.ts';
import { collect } from './collect.ts';
import { followRun, notRun } from './follow-run.ts';
import { reportRun } from './report-run.ts';
import { clearRun, placeOfRun, type RunRecord, settleRun } from './run-record.ts';
import { runSecrets } from './run-secrets.ts';
import { RunTrace, type Timing } from './run-trace.ts';
import { runnerFigures } from './runner-figures.ts';
import { Scene } from './scene.ts';
import type { TaskParts } from './task-parts.ts';

/** What became of a task: its status on the server; or it is no longer ours; or the agent left it running. */
export type TaskEnd = EndStatus | 'superseded' | 'left';

/**
 * Brings one claimed task to its end. The same for a fresh claim and for one that a former agent left in any state: each
 * stage finds out what was done before, so that none is done twice.
 *
 * | stage    | what happens                                                            |
 * | -------- | ----------------------------------------------------------------------- |
 * | begin    | check, checkout, run; what cannot be started is an outcome              |
 * | follow   | stream, speak, ask, limits, until the script and all it started ended   |
 * | collect  | the files that it left                                                  |
 * | report   | judged outcome, sizes and checksums, the fix that is wanted             |
 * | settle   | a receipt stays, everything else goes                                   |
 *
 * @param asked  when it was claimed; null: by a former agent
 * @throws only for a fault of the agent itself: what the task or the server did is a result
 */
export async function runTask(
  given: TaskParts,
  record: RunRecord,
  asked: Timing | null = null,
): Promise<TaskEnd> {
  // what is logged about a task is masked with what is secret in it, as far as that is known
  let mask = (text: string) => text;
  const parts = { ...given, log: maskedLog(given.log, (text) => mask(text)) };
  const { clock, spans: sink } = parts;
  const trace = new RunTrace({ clock, sink, mask: (text) => mask(text) }, record, asked);
  const scene = new Scene(parts, {
    record,
    trace,
    runs: parts.base.runs,
    source: parts.source,
    control: parts.control,
    secrets: record.started?.secrets ?? runSecrets(parts, record).values,
    masking: parts.masking,
  });
  mask = (text) => scene.masking.text(text);
  const name = mask(record.task.name);
  parts.status.task = { id: record.task.id, name, attempt: record.attempt };
  try {
    scene.begin();
    const begun = await beginRun(parts, scene);
    const followed = 'run' in begun ? await followRun(parts, scene, begun) : notRun(parts, begun);
    scene.life.throwIfAborted();
    parts.status.times.now(null);
    const artifacts = 'run' in begun ? await collect(parts, scene, begun) : [];
    const source = { begun, followed, artifacts };
    const { report, status } = await trace.during('report', () => reportRun(parts, scene, source));
    const { exitCode, reason } = followed.outcome;
    const why = status === 'FAILED' ? (reason ?? `exit code ${exitCode ?? 'unknown'}`) : null;
    trace.end({ 'keruta.status': status, 'keruta.exit_code': exitCode }, why);
    const figures = record.task.kind === 'script' ? null : runnerFigures(scene.directory);
    const place = 'run' in begun ? placeOfRun(begun.started) : null;
    settle(parts, scene, { state: 'reported', status, streams: report.streams, artifacts, place });
    if (figures !== null) parts.status.runner.count(figures);
    parts.status.count(status, followed.usage?.durationMs ?? 0);
    return status;
  } catch (error) {
    if (parts.control.leaving.aborted) {
      scene.cursor.state.isLeft = true;
      scene.cursor.save();
      return 'left';
    }
    if (!scene.isGone) throw error;
    const state = scene.isRefused ? 'refused' : 'superseded';
    settle(parts, scene, { state, status: null, streams: null, artifacts: null });
    return 'superseded';
  } finally {
    // a script that is left goes on
    if (!parts.control.leaving.aborted) parts.status.times.now(null);
    parts.status.task = null;
    parts.status.input = null;
    await scene.close();
  }
}

function settle(
  parts: TaskParts,
  scene: Scene,
  end: Pick<Parameters<typeof settleRun>[1], 'state' | 'status' | 'streams' | 'artifacts' | 'place'>,
): void {
  scene.cursor.forget();
  const { task, attempt } = scene.record;
  try {
    settleRun(scene.directory, {
      version: 1,
      taskId: task.id,
      attempt,
      ...end,
      at: parts.clock.now(),
    });
  } catch (error) {
    parts.log.warn('the directory of a run could not be cleared', { error, directory: scene.directory });
    if (end.state === 'refused') return;
    try {
      // without a receipt: what is removed makes room for the next one
      clearRun(scene.directory);
    } catch {
      // the next agent on this directory finds the run, and is told that it was reported
    }
  }
}
