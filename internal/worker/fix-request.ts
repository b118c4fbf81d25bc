import { join } from 'node:path';
import { createGit } from '../../pkg/git/git.ts';
import type { FinishReport } from '../api/task-source.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { BegunRun } from './begin-run.ts';
import { failureBundle } from './failure/bundle.ts';
import { fingerprint } from './failure/fingerprint.ts';
import { maskedEnd } from './masked-end.ts';
import type { Scene } from './scene.ts';
import type { TaskParts } from './task-parts.ts';

/** How much of the end of each stream is looked at; bytes. */
const tailBytes = 256 * 1024;

/**
 * Gathers what is known about a failure, for the fix task that the server makes of it. A bundle that cannot be made does
 * not hold up the report.
 */
export async function fixRequest(
  parts: TaskParts,
  scene: Scene,
  { begun, outcome }: { readonly begun: BegunRun; readonly outcome: Outcome },
): Promise<NonNullable<FinishReport['fix']>> {
  const script = parts.options.autoFix.command;
  const byAgent = script === null && canAgentMend(parts, scene);
  try {
    const { masking } = scene;
    const { run, started } = begun;
    const git = createGit({
      environment: parts.options.environment,
      privateDirectory: join(parts.base.base, 'git'),
      credentials: 'none',
      allowLocal: false,
    });
    const found = await failureBundle(
      { git },
      {
        exitCode: outcome.exitCode,
        signal: outcome.signal,
        reason: outcome.reason,
        stdoutTail: await maskedEnd({ run, masking }, 'stdout', tailBytes),
        stderrTail: await maskedEnd({ run, masking }, 'stderr', tailBytes),
        workingDirectory: started.workingDirectory,
        script: masking.text(scene.record.task.script),
        signalToStop: scene.life,
      },
    );
    // once more: names of files and branches are in it too
    const bundle = masking.deep(found);
    // a runner prints branches, commits and what an agent thinks; why it failed it says at its end
    const said = scene.record.task.kind === 'script' ? [] : [`${outcome.errorCode}\n${outcome.message}`];
    return { script, byAgent, bundle, fingerprint: fingerprint(bundle, ...said) };
  } catch (error) {
    scene.life.throwIfAborted();
    parts.log.warn('nothing could be found out about the failure', { error });
    return { script, byAgent, bundle: null, fingerprint: null };
  }
}

/** A coding agent needs a repository to work in, and an agent that can have it work. */
function canAgentMend({ options }: TaskParts, { record }: Scene): boolean {
  const { repositoryUrl, templateConfig } = record.session;
  const repository = repositoryUrl ?? templateConfig?.repositoryUrl ?? '';
  return options.autoFix.byAgent === true && options.inContainers !== true && repository !== '';
}
