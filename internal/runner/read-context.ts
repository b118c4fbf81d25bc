/** Reads what is to be done. Pure. */
import { GitError } from '../../pkg/git/git-error.ts';
import { parseRef, refFault } from '../../pkg/git/ref-name.ts';
import { parseRepositoryUrl } from '../../pkg/git/repository-url.ts';
import { type FieldPath, shapeFaults } from '../../pkg/shape/shape-faults.ts';
import { branchFault } from '../domain/branch-fault.ts';
import type { TaskContext } from '../domain/task-context.ts';
import {
  failureShape,
  oneSpelling,
  type RunnerTaskInput,
  runnerTaskShape,
  storyShape,
  writtenAs,
} from './context-shape.ts';
import { type FileFault, type FilePlaces, faultAt, fileError, type TellFault } from './faults.ts';
import type { RunnerTask } from './runner.ts';
import { taskIdOf } from './task-id.ts';

/** What a task is read from. */
export interface ContextSource extends FilePlaces {
  /** what the file holds; keys in snake_case or camelCase */
  readonly value: unknown;
  /** whether whoever does it knows the repository from elsewhere; default false */
  readonly hasRepository?: boolean;
}

/**
 * Reads a task: its context, and where it comes from. `kind` is `playbook` when a path of one is given, else `agent`.
 * @throws {InputError} KERUTA_ERR_TASK_CONTEXT with every fault, also in `details.faults`
 */
export function readRunnerTask(source: ContextSource): RunnerTask {
  const faults: FileFault[] = [];
  const spelling = new Spelling();
  const fault: TellFault = (path, message) =>
    void faults.push(faultAt(source, spelling.written(path), message));
  const value = spelling.brought(source.value, [], fault);
  const read = runnerTaskShape.safeParse(value);
  if (!read.success)
    for (const { path, message } of shapeFaults(read.error, { keys: keysAt, value })) fault(path, message);
  const input = read.success ? read.data : looseInput(value);
  checkGit(input, fault);
  if (source.hasRepository !== true) checkPlace(input, fault);
  if (!read.success || faults.length > 0) throw fileError('KERUTA_ERR_TASK_CONTEXT', faults);
  return taskOf(read.data);
}

/** Brings keys into one spelling, and knows how they were written. */
class Spelling {
  readonly #written = new Map<string, string>();

  brought(value: unknown, path: FieldPath, fault: TellFault): unknown {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const entries: [string, unknown][] = [];
    for (const [written, inner] of Object.entries(value)) {
      const key = oneSpelling(written);
      const at = [...path, key];
      const isTwice = entries.some(([other]) => other === key);
      if (isTwice) fault(at, `is given twice: as ${this.#written.get(textOf(at))} and as ${written}`);
      this.#written.set(textOf(at), written);
      entries.push([key, this.#below(inner, at, fault)]);
    }
    return Object.fromEntries(entries);
  }

  #below(value: unknown, at: FieldPath, fault: TellFault): unknown {
    const [key] = at;
    if (at.length !== 1) return value;
    if (key === 'failure') return this.brought(value, at, fault);
    if (key !== 'story' || !Array.isArray(value)) return value;
    return value.map((one, index) => this.brought(one, [...at, index], fault));
  }

  /** A path as it stands in the file; what is missing as the guide writes it. */
  written(path: FieldPath): FieldPath {
    return path.map((part, index) => {
      const of = this.#written.get(textOf(path.slice(0, index + 1)));
      return typeof part === 'number' ? part : (of ?? writtenAs(part));
    });
  }
}

const textOf = (path: FieldPath) => JSON.stringify(path);

function keysAt([first]: FieldPath): readonly string[] {
  const shape = first === 'story' ? storyShape : first === 'failure' ? failureShape : runnerTaskShape;
  return Object.keys(shape.shape).map(writtenAs);
}

/** What is looked at, when something else is wrong. */
function looseInput(value: unknown): GitInput {
  const one = (key: keyof GitInput) => {
    const found = (value as Readonly<Record<string, unknown>> | null | undefined)?.[key];
    return typeof found === 'string' ? found : null;
  };
  const [branchName, targetBranch, repositoryUrl] = [
    one('branchName'),
    one('targetBranch'),
    one('repositoryUrl'),
  ];
  return {
    branchName,
    targetBranch,
    repositoryUrl,
    ref: one('ref'),
    slotId: one('slotId'),
    slotPath: one('slotPath'),
  };
}

type GitInput = Pick<
  RunnerTaskInput,
  'branchName' | 'targetBranch' | 'repositoryUrl' | 'ref' | 'slotId' | 'slotPath'
>;

/** What git would refuse, and what does not go together. */
function checkGit(input: GitInput, fault: TellFault): void {
  const { branchName, targetBranch, repositoryUrl = null, ref = null, slotId, slotPath } = input;
  const refused = (path: string, why: string | null) => {
    if (why !== null) fault([path], `is refused: ${why}`);
  };
  if (branchName !== null) refused('branchName', branchFault(branchName));
  if (targetBranch !== null) refused('targetBranch', refFault(targetBranch));
  const told = (path: string, parse: () => unknown) => {
    try {
      parse();
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      fault([path], error.message);
    }
  };
  // whether this place takes repositories on its own disk is for who fetches them
  if (repositoryUrl !== null)
    told('repositoryUrl', () => parseRepositoryUrl(repositoryUrl, { allowLocal: true }));
  if (ref !== null) told('ref', () => parseRef(ref));
  if (slotId !== null && slotPath === null)
    fault(['slotPath'], 'expected the path of the slot, since slot_id is given; got nothing');
}

function checkPlace({ repositoryUrl = null, slotPath }: GitInput, fault: TellFault): void {
  if (repositoryUrl === null && slotPath === null)
    fault(['repositoryUrl'], 'expected the address of a repository, or slot_path; got neither');
}

function taskOf(input: RunnerTaskInput): RunnerTask {
  const {
    kind,
    id,
    sessionId,
    repositoryUrl,
    ref,
    dependencies,
    story,
    parentIds,
    parameters,
    failure,
    ...rest
  } = input;
  const context: TaskContext = rest;
  const known = story.flatMap((parent) => (parent.id == null ? [] : [parent.id]));
  return {
    kind: kind ?? (context.playbook === null ? 'agent' : 'playbook'),
    id: id ?? taskIdOf(context, repositoryUrl ?? null),
    sessionId: sessionId ?? null,
    context,
    repositoryUrl: repositoryUrl ?? null,
    ref: ref ?? null,
    story: story.map(({ title, description }) => ({ title, description })),
    dependencies,
    parentIds: [...new Set([...parentIds, ...known])],
    failure: failure == null ? null : { ...failure, bundle: failure.bundle ?? null },
    parameters,
  };
}
