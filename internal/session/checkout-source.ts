import type { z } from 'zod';
import { GithubError } from '../../pkg/github/github-error.ts';
import type { CheckoutAnswer, checkoutRequest } from '../api/protocol.ts';
import { DeniedError, UnavailableError } from '../domain/errors.ts';
import { githubShape } from '../trigger/github/github-spec.ts';
import { readRepositoryAddress } from '../trigger/github/repository-address.ts';
import { type AttemptRef, fencedAttempt } from './fence.ts';
import { type GithubEventData, githubOrigin } from './github-origin.ts';
import type { SessionParts } from './parts.ts';
import { toInstant } from './wire.ts';

/** What GitHub takes for the name of whoever has a token of an installation. */
const tokenUser = 'x-access-token';

/**
 * Tells the agent of an attempt what to check out, and with which credentials, when GitHub fired the task: a token that may
 * read the event's repository, for about an hour, and nothing else.
 *
 * @returns null when the session alone decides
 * @throws {DeniedError} KERUTA_ERR_FORBIDDEN for another agent than the attempt's
 * @throws {ConflictError} KERUTA_ERR_ATTEMPT_SUPERSEDED
 * @throws {UnavailableError} KERUTA_ERR_GITHUB_UNAVAILABLE
 */
export async function checkoutSource(
  parts: SessionParts,
  ref: AttemptRef & { readonly request: z.output<typeof checkoutRequest> },
): Promise<CheckoutAnswer['checkout']> {
  const { address = null } = ref.caller;
  const { task, attempt } = await fencedAttempt(parts, ref);
  if (attempt.agentId !== ref.request.agentId)
    throw new DeniedError(
      'KERUTA_ERR_FORBIDDEN',
      `Attempt ${attempt.number} of task ${task.id} belongs to another agent.`,
    );
  const origin = await githubOrigin(parts.store, task);
  const session = await parts.store.session(task.sessionId);
  if (origin === null || session === null) return null;
  const { data, trigger } = origin;
  const spec = githubShape.safeParse(trigger?.definition.spec);
  const own = session.repositoryUrl ?? session.templateConfig?.repositoryUrl ?? null;
  if (own === null && spec.success && !spec.data.checkout) return null;
  const repositoryUrl = own ?? data.repository.cloneUrl;
  if (!mayHaveToken(parts, repositoryUrl, data)) {
    const isCloneUrl = own !== null || readRepositoryAddress(repositoryUrl)?.kind === 'https';
    return isCloneUrl ? { repositoryUrl, credentials: null, note: null } : null;
  }
  return { repositoryUrl, ...(await lend(parts, data, { taskId: task.id, sessionId: session.id, address })) };
}

/** Only to GitHub's host, only for the event's repository, and not when the address brings credentials of its own. */
function mayHaveToken(
  { github }: SessionParts,
  url: string,
  { repository: { fullName } }: GithubEventData,
): boolean {
  const address = readRepositoryAddress(url);
  if (!github?.app || address === null || address.kind !== 'https' || address.hasUser) return false;
  return address.host === github.app.host && address.path === fullName.toLowerCase();
}

async function lend(
  parts: SessionParts,
  { repository }: GithubEventData,
  to: { readonly taskId: string; readonly sessionId: string; readonly address: string | null },
): Promise<Pick<NonNullable<CheckoutAnswer['checkout']>, 'credentials' | 'note'>> {
  const { github, store, log } = parts;
  try {
    const lent = await github?.app?.token(repository, { contents: 'read' });
    if (lent === undefined) return { credentials: null, note: null };
    const { token: password, expiresAt } = lent;
    const now = await store.now();
    await store.transact((tx) =>
      tx.insertAudit({
        ...{ id: parts.random.uuid7(now), at: now, actor: 'system', action: 'github.token_lent', ...to },
        details: { repository: repository.fullName, expiresAt },
      }),
    );
    return { credentials: { username: tokenUser, password, expiresAt: toInstant(expiresAt) }, note: null };
  } catch (error) {
    if (!(error instanceof GithubError)) throw error;
    log.warn('GitHub gave no token for a checkout', { repository: repository.fullName, error });
    if (error.isPassing)
      throw new UnavailableError('KERUTA_ERR_GITHUB_UNAVAILABLE', `${error.message}.`, {
        cause: error,
        ...(error.retryAfterMs === null ? {} : { details: { retryAfterMs: error.retryAfterMs } }),
      });
    const note = `There is no token for ${repository.fullName}: ${error.message}. Install the App there, with the permission to read contents.`;
    return { credentials: null, note };
  }
}
