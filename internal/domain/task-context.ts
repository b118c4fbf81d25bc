/** What a task does: runs a script; follows the steps of a playbook; or is done by a coding agent. */
export const taskKinds = ['script', 'playbook', 'agent'] as const;
/** @see taskKinds */
export type TaskKind = (typeof taskKinds)[number];

/** What becomes of the branch when the work is done: it stays here, is pushed, or is pushed and offered for review. */
export const publishWishes = ['none', 'branch', 'pull-request'] as const;
/** @see publishWishes */
export type PublishWish = (typeof publishWishes)[number];

/** What is wanted, in the words of who wants it. A task of kind `playbook` or `agent` has one. */
export interface TaskContext {
  /** its id where it was written down, such as `1.1`; null: nowhere */
  readonly taskId: string | null;
  /** what it is a part of; null: nothing */
  readonly specName: string | null;
  readonly title: string;
  readonly description: string;
  readonly acceptanceCriteria: readonly string[];
  /** the skill that is needed, which selects agents by their labels; null: none */
  readonly requiredSkill: string | null;
  /** selects skills; empty = all */
  readonly focus: readonly string[];
  /** null: it is made of a template */
  readonly branchName: string | null;
  /** what the branch begins at and is rebased on; null: the ref of the task, or of its session */
  readonly targetBranch: string | null;
  /** path of a playbook, below the repository; null: none, or the one that is found */
  readonly playbook: string | null;
  /** a workplace that was handed out elsewhere; null: one is taken */
  readonly slotId: string | null;
  /** absolute; null: likewise */
  readonly slotPath: string | null;
  readonly publish: PublishWish;
}
