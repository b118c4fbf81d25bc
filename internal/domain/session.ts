/** States of a session. */
export const sessionStatuses = ['ACTIVE', 'INACTIVE', 'COMPLETED', 'ARCHIVED'] as const;
/** @see sessionStatuses */
export type SessionStatus = (typeof sessionStatuses)[number];

/** The work of one workspace: a repository and the tasks that run in it, one after another. Times are epoch ms. */
export interface Session {
  /** UUIDv4 */
  readonly id: string;
  /** unique */
  readonly name: string;
  readonly description: string | null;
  readonly status: SessionStatus;
  readonly tags: readonly string[];
  readonly repositoryUrl: string | null;
  /** default `main` */
  readonly repositoryRef: string;
  /** for one checkout of its tasks, wall time; 1 s to `maxGitTimeoutMs`; null = as the agent's settings say */
  readonly gitTimeoutMs: number | null;
  readonly templateConfig: TemplateConfig | null;
  /** the workspace it is bound to; null until one is known */
  readonly workspaceId: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Longest time for one checkout: a day. */
export const maxGitTimeoutMs = 86_400_000;

/** Settings of the template a workspace was made from; kept for clients, of which keruta reads the repository only. */
export interface TemplateConfig {
  readonly templateId?: string | null;
  readonly templateName?: string | null;
  readonly templatePath?: string;
  readonly preferredKeywords?: readonly string[];
  readonly parameters?: Readonly<Record<string, string>>;
  readonly repositoryUrl?: string | null;
  readonly repositoryRef?: string | null;
}

const otherNames: Readonly<Record<string, SessionStatus>> = {
  PENDING: 'INACTIVE',
  RUNNING: 'ACTIVE',
  TERMINATED: 'COMPLETED',
  FAILED: 'ARCHIVED',
};

/** Reads a session status in any dialect and case; null when it is none. */
export function parseSessionStatus(text: string): SessionStatus | null {
  const name = text.trim().toUpperCase();
  return sessionStatuses.find((status) => status === name) ?? otherNames[name] ?? null;
}

/** Whether the session takes no more tasks. */
export function isClosed(status: SessionStatus): boolean {
  return status === 'COMPLETED' || status === 'ARCHIVED';
}
