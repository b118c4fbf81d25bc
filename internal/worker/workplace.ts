import { join } from 'node:path';
import type { CheckoutAnswer } from '../api/protocol.ts';
import { DeniedError } from '../domain/errors.ts';
import type { AgentOptions } from './agent-options.ts';
import { refuseForeign } from './allowed-repositories.ts';
import { checkout } from './checkout/checkout.ts';
import { withCheckout } from './checkout/checkout-lock.ts';
import { repositoryDirectory } from './checkout/repository-directory.ts';
import { makeDirectory } from './make-directory.ts';
import { persist } from './retry.ts';
import type { RunRecord } from './run-record.ts';
import type { Scene } from './scene.ts';
import type { TaskParts } from './task-parts.ts';

/** Where a task runs, and where what it leaves is looked for. */
export interface Workplace {
  /** absolute; exists */
  readonly directory: string;
  /** absolute; the first one exists */
  readonly artifactsDirectories: readonly string[];
  /** where the checkout stands; null: there is none */
  readonly commit: string | null;
  /** what the server wants to have checked out; null: what the session says */
  readonly told: CheckoutAnswer['checkout'];
}

/**
 * Makes the place in which a task runs: its repository at the task's ref, or a directory of its session.
 * @throws the errors of `checkout`; {DeniedError} KERUTA_ERR_POLICY for a repository that this agent may not work on
 */
export async function prepareWorkplace(parts: TaskParts, scene: Scene): Promise<Workplace> {
  const { options } = parts;
  const { session, task } = scene.record;
  const told = await askForCheckout(parts, scene);
  const url = told?.repositoryUrl ?? session.repositoryUrl ?? session.templateConfig?.repositoryUrl ?? null;
  if (task.kind !== 'script' && options.inContainers === true)
    throw new DeniedError(
      'KERUTA_ERR_POLICY',
      `This agent runs scripts in containers, and a task of kind ${task.kind} needs slots of this machine. Give the session an agent with --executor local; its runner’s configuration may say execution_mode: docker.`,
    );
  // the runner takes a slot of its own: the clone of the workspace is left alone
  if (url !== null && task.kind !== 'script') refuseForeign(url, options.allowedRepositories);
  const { directory, commit } =
    url === null || task.kind !== 'script'
      ? { directory: plainDirectory(parts, session.id), commit: null }
      : await repository(parts, scene, { url, lent: told?.credentials ?? null });
  const own = options.artifacts.directory ?? join(directory, '.keruta', 'doc');
  makeDirectory(own);
  // also those that are not there yet: a script may make one
  const extra = options.artifacts.extraDirectories.filter((path) => path !== own);
  parts.log.debug('the workplace is ready', { taskId: task.id, directory });
  return { directory, artifactsDirectories: [own, ...extra], commit, told };
}

/** How long one checkout of a session may take. @returns ms */
export function gitTimeoutOf(
  { gitTimeoutMs }: Pick<AgentOptions, 'gitTimeoutMs'>,
  { gitTimeoutSeconds }: Pick<RunRecord['session'], 'gitTimeoutSeconds'>,
): number {
  return gitTimeoutSeconds === null ? gitTimeoutMs : gitTimeoutSeconds * 1000;
}

/** Asked for each attempt, shortly before it is needed: what is lent ends within the hour. It goes to git alone. */
async function askForCheckout(parts: TaskParts, scene: Scene): Promise<CheckoutAnswer['checkout']> {
  if (!scene.record.asksForCheckout) return null;
  const told = await persist(parts, 'asking what to check out', {
    signal: AbortSignal.any([scene.preparing, scene.life]),
    run: (signal) => scene.reporter.checkout(signal),
  });
  if (told?.credentials) scene.hide(told.credentials.password);
  if (told?.note) scene.note('WARN', told.note);
  return told;
}

function plainDirectory(parts: TaskParts, sessionId: string): string {
  const directory =
    parts.options.workingDirectory ?? join(parts.base.work, sessionId.replace(/[^A-Za-z0-9-]/g, '_'));
  makeDirectory(directory);
  return directory;
}

async function repository(
  parts: TaskParts,
  scene: Scene,
  { url, lent }: { readonly url: string; readonly lent: { username: string; password: string } | null },
): Promise<Pick<Workplace, 'directory' | 'commit'>> {
  const { options } = parts;
  const { session, task } = scene.record;
  refuseForeign(url, options.allowedRepositories);
  const directory =
    options.workingDirectory ?? (await repositoryDirectory(options.repositoriesDirectory, url));
  const privateDirectory = join(parts.base.base, 'git');
  const signal = AbortSignal.any([scene.preparing, scene.life]);
  const bring = () =>
    checkout(
      {
        clock: parts.clock,
        random: parts.random,
        log: parts.log,
        environment: options.environment,
        privateDirectory,
      },
      {
        repositoryUrl: url,
        ref: task.ref ?? session.repositoryRef,
        // `main` is what a session has when nobody chose
        refIsDefault: task.ref === null && session.repositoryRef === 'main',
        directory,
        taskId: task.id,
        allowLocalGit: options.allowLocalGit,
        trustWorkingDir: options.trustWorkingDirectory,
        credentials: 'inherit',
        lent,
        timeoutMs: gitTimeoutOf(options, session),
        signal,
      },
    );
  const place = { privateDirectory, directory, pid: options.pid };
  const { stashedRef, commit } = await withCheckout({ clock: parts.clock, signal }, place, bring);
  if (stashedRef !== null) scene.note('INFO', `What the work tree held before is kept in ${stashedRef}.`);
  return { directory, commit };
}
