/**
 * A GitHub App: asks the API in the name of its installations. Tokens are made for one repository and what is to be done
 * there, kept in memory until shortly before they end, and stand in no message.
 * @see https://docs.github.com/rest/apps/apps
 */
import type { KeyObject } from 'node:crypto';
import type { Clock } from '../clock/clock.ts';
import type { Http, HttpAnswer, HttpRequest } from '../http/http.ts';
import { signAppProof } from './app-key.ts';

/** What an App is made of. */
export interface GithubAppOptions {
  /** without a slash at the end: `https://api.github.com`, `https://HOST/api/v3` */
  readonly apiUrl: string;
  readonly appId: string;
  readonly key: KeyObject;
  readonly http: Http;
  readonly clock: Clock;
}

/** What a token may do, in GitHub's words: `{ contents: 'read' }`. */
export type Permissions = Readonly<Record<string, 'read' | 'write'>>;

/** A token for one repository. */
export interface InstallationToken {
  readonly token: string;
  /** epoch ms */
  readonly expiresAt: number;
}

/** A token that ends within this is not used any more; ms. GitHub's hold for an hour. */
const restMs = 5 * 60_000;
/** For one question; ms. */
const answerMs = 10_000;
/** Files of one page, as many as GitHub gives. */
const pageSize = 100;
/** GitHub lists so many files of a comparison, and so many of a pull request. */
const maxCompared = 300;
const maxPullFiles = 3_000;
/** So many tokens are kept; the oldest goes first. */
const maxTokens = 1_000;

/** The API refused, or could not be asked. */
export class GithubError extends Error {
  /** of the answer; 0: there was none */
  readonly status: number;
  /** whether the same may succeed later */
  readonly isPassing: boolean;

  constructor(message: string, status: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'GithubError';
    this.status = status;
    this.isPassing = status === 0 || status === 429 || status >= 500;
  }
}

/** Asks GitHub in the name of an App. Every method throws {GithubError}. */
export class GithubApp {
  readonly appId: string;
  readonly #options: GithubAppOptions;
  #slug: string | null = null;
  readonly #tokens = new Map<string, Kept>();

  constructor(options: GithubAppOptions) {
    this.appId = options.appId;
    this.#options = options;
  }

  /** The login of what the App does itself: `name[bot]`. */
  async login(): Promise<string> {
    const { appId, key, clock } = this.#options;
    if (this.#slug === null) {
      const proof = signAppProof(appId, key, clock.now());
      const { slug } = ((await this.#ask({ method: 'GET', path: '/app' }, proof)) ?? {}) as {
        slug?: unknown;
      };
      if (typeof slug !== 'string') throw new GithubError('GitHub named no slug for the App', 0);
      this.#slug = slug;
    }
    return `${this.#slug}[bot]`;
  }

  /** A token for one repository, `owner/name`. It holds for five minutes at least; who asks at the same time gets the same. */
  async token(repository: string, permissions: Permissions): Promise<InstallationToken> {
    const name = `${repository.toLowerCase()} ${JSON.stringify(Object.entries(permissions).sort())}`;
    const known = this.#tokens.get(name);
    if (known && (known.expiresAt === null || known.expiresAt - this.#options.clock.now() > restMs))
      return known.token;
    const asked: Kept = { token: this.#askToken(repository, permissions), expiresAt: null };
    this.#tokens.delete(name);
    this.#tokens.set(name, asked);
    for (const old of this.#tokens.keys()) if (this.#tokens.size > maxTokens) this.#tokens.delete(old);
    try {
      const made = await asked.token;
      asked.expiresAt = made.expiresAt;
      return made;
    } catch (error) {
      if (this.#tokens.get(name) === asked) this.#tokens.delete(name);
      throw error;
    }
  }

  /** The files that differ between two commits, and whether these are all. */
  async changedFiles(
    repository: string,
    range: { readonly base: string; readonly head: string },
    signal?: AbortSignal,
  ): Promise<{ readonly files: readonly string[]; readonly isComplete: boolean }> {
    const path = `/repos/${repository}/compare/${range.base}...${range.head}?per_page=${pageSize}`;
    const found = (await this.#as(repository, { contents: 'read' }, { method: 'GET', path, signal })) as {
      readonly files?: unknown;
    };
    const files = Array.isArray(found?.files) ? found.files : [];
    return { files: namesOf(files), isComplete: Array.isArray(found?.files) && files.length < maxCompared };
  }

  /** The files of a pull request, and whether these are all. */
  async pullFiles(
    repository: string,
    number: number,
    signal?: AbortSignal,
  ): Promise<{ readonly files: readonly string[]; readonly isComplete: boolean }> {
    const all: string[] = [];
    for (let page = 1; page <= maxPullFiles / pageSize; page++) {
      const path = `/repos/${repository}/pulls/${number}/files?per_page=${pageSize}&page=${page}`;
      const found = await this.#as(repository, { pull_requests: 'read' }, { method: 'GET', path, signal });
      if (!Array.isArray(found)) return { files: all, isComplete: false };
      all.push(...namesOf(found));
      if (found.length < pageSize) return { files: all, isComplete: true };
    }
    return { files: all, isComplete: false };
  }

  /** Says how a commit stands; the last one of a context counts. */
  async setStatus(
    repository: string,
    sha: string,
    status: {
      readonly state: 'pending' | 'success' | 'failure' | 'error';
      readonly context: string;
      /** at most 140 characters are taken */
      readonly description: string;
      /** null = none */
      readonly targetUrl: string | null;
    },
  ): Promise<void> {
    const { state, context, targetUrl } = status;
    const description = status.description.slice(0, 140);
    const body = { state, context, description, ...(targetUrl === null ? {} : { target_url: targetUrl }) };
    const path = `/repos/${repository}/statuses/${sha}`;
    await this.#as(repository, { statuses: 'write' }, { method: 'POST', path, body });
  }

  /** Writes a comment at an issue or pull request. Twice is two comments. */
  async comment(repository: string, number: number, text: string): Promise<void> {
    const path = `/repos/${repository}/issues/${number}/comments`;
    const permissions: Permissions = { issues: 'write', pull_requests: 'write' };
    await this.#as(repository, permissions, { method: 'POST', path, body: { body: text } });
  }

  async #askToken(repository: string, permissions: Permissions): Promise<InstallationToken> {
    const { appId, key, clock } = this.#options;
    const proof = signAppProof(appId, key, clock.now());
    const asks = { method: 'GET', path: `/repos/${repository}/installation` } as const;
    const installation = (await this.#ask(asks, proof)) as { readonly id?: unknown } | null;
    const id = Number(installation?.id);
    if (!Number.isSafeInteger(id)) throw new GithubError(`GitHub named no installation for ${repository}`, 0);
    const body = { repositories: [repository.split('/')[1]], permissions };
    const path = `/app/installations/${id}/access_tokens`;
    const made = (await this.#ask({ method: 'POST', path, body }, proof)) as {
      readonly token?: unknown;
      readonly expires_at?: unknown;
    } | null;
    const expiresAt = Date.parse(String(made?.expires_at));
    if (typeof made?.token !== 'string' || Number.isNaN(expiresAt))
      throw new GithubError(`GitHub gave no token for ${repository}`, 0);
    return { token: made.token, expiresAt };
  }

  async #as(repository: string, permissions: Permissions, question: Question): Promise<unknown> {
    const { token } = await this.token(repository, permissions);
    return this.#ask(question, token);
  }

  async #ask({ method, path, body, signal }: Question, token: string): Promise<unknown> {
    const { apiUrl, http } = this.#options;
    const at = `${method} ${path.split('?')[0]}`;
    const request: HttpRequest = {
      ...{ method, url: apiUrl + path, headersMs: answerMs, stallMs: answerMs },
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${token}`,
        'x-github-api-version': '2022-11-28',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    };
    let answer: HttpAnswer;
    try {
      answer = await http.request(request);
    } catch (cause) {
      throw new GithubError(`GitHub could not be asked (${at})`, 0, cause);
    }
    if (answer.status >= 300) {
      await answer.discard();
      // a limit of rates comes as 403 too
      const isLimit = answer.status === 403 && answer.headers['x-ratelimit-remaining'] === '0';
      throw new GithubError(`GitHub answered ${answer.status} (${at})`, isLimit ? 429 : answer.status);
    }
    try {
      return await answer.json();
    } catch (cause) {
      throw new GithubError(`GitHub's answer cannot be read (${at})`, 0, cause);
    }
  }
}

/** A token that was asked for. `expiresAt` null: it is not here yet. */
interface Kept {
  readonly token: Promise<InstallationToken>;
  expiresAt: number | null;
}

interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** A file that was moved counts under both names. */
function namesOf(files: readonly unknown[]): string[] {
  return files.flatMap((file) => {
    const { filename, previous_filename: before } = (file ?? {}) as Readonly<Record<string, unknown>>;
    return [filename, before].filter((name) => typeof name === 'string');
  });
}
