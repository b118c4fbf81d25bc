import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import { writeJsonFile } from '../../pkg/files/json-file.ts';
import { bootId } from '../../pkg/process/proc.ts';
import { judge, type Outcome } from '../domain/outcome.ts';
import type { Run } from '../executor/executor.ts';
import { snapshotArtifacts } from './artifacts/scan.ts';
import { placesOf, snapshotFile } from './collect.ts';
import { isContract, taskEnvironment } from './environment.ts';
import { writeEventFile } from './event-file.ts';
import { makeDirectory } from './make-directory.ts';
import { refusal } from './refusal.ts';
import { type StartedRun, writeRecord } from './run-record.ts';
import { runSecrets } from './run-secrets.ts';
import { runnerVariables } from './runner-task.ts';
import type { Scene } from './scene.ts';
import type { TaskParts } from './task-parts.ts';
import { prepareWorkplace, type Workplace } from './workplace.ts';

/** A run, new or found, and where it runs. */
export interface BegunRun {
  readonly run: Run;
  readonly started: StartedRun;
  /** whether a former agent began it */
  readonly isTakenUp: boolean;
}

const unknownEnd = { exitCode: null, signal: null } as const;

/**
 * Finds the run of an attempt, or makes its workplace and starts it.
 * @returns the run; the outcome, when there is none: refused, cancelled before it began, or gone with its directory
 */
export async function beginRun(parts: TaskParts, scene: Scene): Promise<BegunRun | Outcome> {
  const { started } = scene.record;
  const declared = scene.cursor.state.declared;
  if (started !== null) {
    const { runId, task } = scene.record;
    const { workingDirectory, bootId: before = null, at: startedAt } = started;
    const known = { runId, workingDirectory, input: task.input, bootId: before, startedAt };
    const run = await parts.executor.attach(scene.directory, known);
    if (run !== null) {
      tellRunning(parts, scene, startedAt);
      return { run, started, isTakenUp: true };
    }
    if (!(await neverRan(parts, scene, started))) return judge(unknownEnd, 'agent_lost', declared);
    parts.log.info('a start that was broken off is made again', { taskId: scene.record.task.id });
  }
  scene.speak();
  let step: 'checkout' | 'refused' = 'checkout';
  try {
    scene.preparing.throwIfAborted();
    const workplace = await scene.trace.during('checkout', () => prepareWorkplace(parts, scene));
    scene.preparing.throwIfAborted();
    step = 'refused';
    return await start(parts, scene, workplace);
  } catch (error) {
    scene.life.throwIfAborted();
    if (scene.reason !== null) return judge(unknownEnd, scene.reason, declared);
    parts.log.warn('the task could not be started', { error, taskId: scene.record.task.id });
    return refusal(error, step);
  }
}

/** Whether a former agent ended between its decision to start the script and the start itself. */
async function neverRan(
  { executor }: TaskParts,
  scene: Scene,
  { bootId: before }: StartedRun,
): Promise<boolean> {
  const sameBoot = typeof before === 'string' && before === bootId();
  return sameBoot && (await executor.isUntouched(scene.directory));
}

async function start(parts: TaskParts, scene: Scene, workplace: Workplace): Promise<BegunRun> {
  const { record, directory } = scene;
  const { task } = record;
  const parametersFile = join(directory, 'parameters.json');
  // there already, unless the disk took nothing when the task was claimed
  makeDirectory(directory);
  writeFileSync(parametersFile, JSON.stringify(task.parameters), { mode: 0o600 });
  const eventFile = await writeEventFile(parts, scene);
  const withheld = (await parts.options.withheld?.()) ?? [];
  const { env, leftOut } = taskEnvironment({
    inherited: parts.options.environment,
    withheld,
    added: { ...record.environment, ...runnerVariables(parts.options, scene, workplace.told) },
    task,
    workspaceId: parts.options.workspaceId,
    attempt: record.attempt,
    runId: record.runId,
    runDirectory: directory,
    apiUrl: parts.options.apiUrl,
    token: record.token,
    artifactsDirectory: workplace.artifactsDirectories[0] ?? '',
    workingDirectory: workplace.directory,
    parametersFile,
    eventFile,
    traceparent: scene.trace.traceparent,
    executable: parts.options.executable,
    binDirectory: parts.options.binDirectory,
  });
  const secrets = runSecrets(parts, record, env);
  if (secrets.tooShort.length > 0) {
    parts.log.warn('values too short to be masked', { variables: secrets.tooShort });
  }
  scene.know(secrets.values);
  const started: StartedRun = {
    at: parts.clock.now(),
    workingDirectory: workplace.directory,
    artifactsDirectories: workplace.artifactsDirectories,
    bootId: bootId(),
    commit: workplace.commit,
    variables: Object.keys(env).filter((name) => !isContract(name)),
    secrets: scene.secrets,
  };
  const snapshot = await snapshotArtifacts({
    directories: workplace.artifactsDirectories,
    own: placesOf(parts.options, started),
  });
  if (Object.keys(snapshot).length > 0) writeJsonFile(join(directory, snapshotFile), snapshot);
  for (const name of leftOut) {
    scene.note('WARN', `${name} is too long for the environment: it is in KERUTA_PARAMETERS_FILE alone`);
  }
  scene.preparing.throwIfAborted();
  // written before the script starts: from here on a restart looks for the run instead of starting it a second time
  writeRecord(directory, { ...record, started });
  failpoint('before_spawn');
  tellRunning(parts, scene, started.at);
  try {
    const run = await parts.executor.start({
      directory,
      runId: record.runId,
      script: task.script,
      workingDirectory: workplace.directory,
      env,
      input: task.input,
    });
    return { run, started, isTakenUp: false };
  } catch (error) {
    writeRecord(directory, record);
    throw error;
  }
}

/** From when on what changes may be the script's work. @param at  epoch ms */
function tellRunning({ status }: TaskParts, { record }: Scene, at: number): void {
  const { KERUTA_WORKFLOW: workflow = null, KERUTA_TRIGGER: trigger = null } = record.environment;
  status.times.now({ id: record.task.id, workflow, trigger }, at);
}
