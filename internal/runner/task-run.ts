import type { Confined } from '../../pkg/process/confine.ts';
import { makeRedactor, maskWhole, type Redactor } from '../../pkg/redact/redactor.ts';
import type { CommitIdentity } from '../pool/flow/identity.ts';
import type { TaskTree } from '../pool/flow/task-tree.ts';
import type { Journal } from './journal.ts';
import type { RunnerParts } from './run-parts.ts';
import type { RunnerConfig, RunnerTask } from './runner.ts';

/** One task that is being done: what all phases share. */
export interface TaskRun {
  readonly parts: RunnerParts;
  readonly task: RunnerTask;
  readonly config: RunnerConfig;
  readonly journal: Journal;
  /** aborted when the task is stopped or its time is up */
  readonly signal: AbortSignal;
  readonly redactor: Redactor;
  /** Masks a text. */
  mask(text: string): string;
  /** Prints a line of the runner's own. */
  say(line: string): Promise<void>;
  /** Prints what a program prints, masked; make one for each stream of each program. */
  printer(): {
    push(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void>;
    /** what was held back because a secret might have begun there */
    end(): Promise<void>;
  };
}

/** Most time of one call of git that stays on the machine; ms. */
export const localGitMs = 600_000;

/** Makes what phases share. */
export function makeTaskRun(
  given: Pick<TaskRun, 'parts' | 'task' | 'config' | 'journal' | 'signal'>,
): TaskRun {
  const { speaker, secrets } = given.parts;
  const redactor = makeRedactor(secrets);
  const mask = (text: string) => redactor.text(text);
  return {
    ...given,
    redactor,
    mask,
    say: (line) => speaker.print('stdout', Buffer.from(`${mask(line)}\n`)),
    printer: () => {
      const streams = { stdout: redactor.stream(), stderr: redactor.stream() };
      const print = (stream: 'stdout' | 'stderr', bytes: Uint8Array) =>
        bytes.length === 0 ? Promise.resolve() : speaker.print(stream, bytes);
      return {
        push: (stream, bytes) => print(stream, streams[stream].push(bytes)),
        end: async () => {
          await print('stdout', streams.stdout.end());
          await print('stderr', streams.stderr.end());
        },
      };
    },
  };
}

/** Masks bytes of a file that is kept. */
export function maskBytes(run: TaskRun, bytes: Uint8Array): Buffer {
  return maskWhole(run.redactor.stream(), bytes);
}

/** The part of a call of the branch's flow that is the same for all. */
export function flowCall(run: TaskRun, tree: TaskTree) {
  return { tree, taskId: run.task.id, timeoutMs: localGitMs, signal: run.signal };
}

/** Who makes commits. */
export function identityOf({ config, parts }: TaskRun): CommitIdentity {
  const { author, signing } = config.commit;
  if (signing === null) return { author };
  const names = ['HOME', 'GNUPGHOME', 'SSH_AUTH_SOCK', 'GPG_TTY'];
  const environment = Object.fromEntries(
    names.flatMap((name) => (parts.env[name] === undefined ? [] : [[name, parts.env[name] ?? '']])),
  );
  return { author, signing: { ...signing, environment } };
}

/** The limits of a program that is run for a task, as a call takes them. */
export function withLimits({ confined }: Pick<RunnerParts, 'confined'>): { readonly confined?: Confined } {
  return confined === undefined ? {} : { confined };
}
