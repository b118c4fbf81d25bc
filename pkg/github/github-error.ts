/** GitHub's API refused, or could not be asked. Holds no token. */
export class GithubError extends Error {
  /** of the answer; 0: there was none */
  readonly status: number;
  /** whether the same may succeed later */
  readonly isPassing: boolean;
  /** whether GitHub has been asked too often */
  readonly isRateLimit: boolean;
  /** not to be asked again before; ms from the answer on; null = GitHub does not say */
  readonly retryAfterMs: number | null;

  constructor(
    message: string,
    about: {
      readonly status?: number;
      readonly isRateLimit?: boolean;
      readonly retryAfterMs?: number | null;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    const { status = 0, isRateLimit = false, retryAfterMs = null } = about;
    this.name = 'GithubError';
    this.status = status;
    this.isRateLimit = isRateLimit;
    this.retryAfterMs = retryAfterMs;
    this.isPassing = isRateLimit || status === 0 || status === 408 || status === 429 || status >= 500;
  }
}
