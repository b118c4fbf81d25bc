/**
 * A GitHub App: asks the API in the name of its installations. Tokens are made for one repository and what is to be done
 * there, kept in memory until shortly before they end, and stand in no message.
 * @see https://docs.github.com/rest/apps/apps
 */
import type { KeyObject } from 'node:crypto';
import type { Clock } from '../clock/clock.ts';
import type { Http } from '../http/http.ts';
import { signAppProof } from './app-key.ts';
import { askGithub, type Question } from './ask.ts';
import { GithubError } from './github-error.ts';
import { unlessAborted } from './unless-aborted.ts';

/** What an App is made of. */
export interface GithubAppOptions {
  /** without a slash at the end: `https://api.github.com`, `https://HOST/api/v3` */
  readonly apiUrl: string;
  readonly appId: string;
  readonly key: KeyObject;
  readonly http: Http;
  readonly clock: Clock;
}

/** A repository: its number stays when it is renamed. */
export interface GithubRepositoryName {
  /** `owner/name` */
  readonly fullName: string;
  /** null = not known */
  readonly id: number | null;
}

/** What a token may do, in GitHub's words: `{ contents: 'read' }`. */
export type Permissions = Readonly<Record<string, 'read' | 'write'>>;

/** A token for one repository. */
export interface InstallationToken {
  readonly token: string;
  /** epoch ms */
  readonly expiresAt: number;
}

/** What a commit is told to be. */
export interface CommitStatus {
  readonly state: 'pending' | 'success' | 'failure' | 'error';
  readonly context: string;
  /** at most 140 characters are taken */
  readonly description: string;
  /** null = none */
  readonly targetUrl: string | null;
}

/** Where comments are written. */
export interface Thread {
  readonly number: number;
  /** false: an issue */
  readonly isPull: boolean;
}

/** A token that ends within this is not handed out any more; ms. GitHub's hold for an hour. */
export const tokenRestMs = 15 * 60_000;
/** Rows of one page, as many as GitHub gives. */
const pageSize = 100;
/** GitHub lists so many files of a comparison, and so many of a pull request. */
const maxCompared = 300;
const maxPullFiles = 3_000;
/** So many comments are looked through for a mark. */
const maxCommentsRead = 1_000;
/** So many tokens are kept; the oldest goes first. */
const maxTokens = 1_000;

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

  /** The name of the host that has the repositories, and to which alone a token of theirs may go. */
  get host(): string {
    const { hostname } = new URL(this.#options.apiUrl);
    return hostname.replace(/^api\./, '');
  }

  /** The login of what the App does itself: `name[bot]`. */
  async login(signal?: AbortSignal): Promise<string> {
    if (this.#slug === null) {
      const found = await this.#ask({ method: 'GET', path: '/app', signal }, this.#proof());
      const { slug } = (found ?? {}) as { readonly slug?: unknown };
      if (typeof slug !== 'string') throw new GithubError('GitHub named no slug for the App');
      this.#slug = slug;
    }
    return `${this.#slug}[bot]`;
  }

  /** A token for one repository. It holds for `tokenRestMs` at least; who asks at the same time gets the same. */
  async token(repository: GithubRepositoryName, permissions: Permissions): Promise<InstallationToken> {
    const which = repository.id ?? repository.fullName.toLowerCase();
    const name = `${which} ${JSON.stringify(Object.entries(permissions).sort())}`;
    const known = this.#tokens.get(name);
    if (known && (known.expiresAt === null || known.expiresAt - this.#options.clock.now() > tokenRestMs))
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
    repository: GithubRepositoryName,
    range: { readonly base: string; readonly head: string },
    signal?: AbortSignal,
  ): Promise<{ readonly files: readonly string[]; readonly isComplete: boolean }> {
    const path = `/repos/${repository.fullName}/compare/${range.base}...${range.head}?per_page=${pageSize}`;
    const found = (await this.#as(repository, { contents: 'read' }, { method: 'GET', path, signal })) as {
      readonly files?: unknown;
    };
    const files = Array.isArray(found?.files) ? found.files : [];
    return { files: namesOf(files), isComplete: Array.isArray(found?.files) && files.length < maxCompared };
  }

  /** The files of a pull request, and whether these are all. */
  async pullFiles(
    repository: GithubRepositoryName,
    number: number,
    signal?: AbortSignal,
  ): Promise<{ readonly files: readonly string[]; readonly isComplete: boolean }> {
    const path = `/repos/${repository.fullName}/pulls/${number}/files`;
    const pages = { path, permissions: { pull_requests: 'read' }, maxRows: maxPullFiles, signal } as const;
    const { rows, isComplete } = await this.#pages(repository, pages);
    return { files: namesOf(rows), isComplete };
  }

  /** Says how a commit stands; the last one of a context counts. */
  async setStatus(
    repository: GithubRepositoryName,
    sha: string,
    { state, context, description, targetUrl }: CommitStatus,
    signal?: AbortSignal,
  ): Promise<void> {
    const words = { state, context, description: description.slice(0, 140) };
    const body = { ...words, ...(targetUrl === null ? {} : { target_url: targetUrl }) };
    const path = `/repos/${repository.fullName}/statuses/${sha}`;
    await this.#as(repository, { statuses: 'write' }, { method: 'POST', path, body, signal });
  }

  /** Writes a comment. Twice is two comments. */
  async comment(
    repository: GithubRepositoryName,
    at: Thread,
    text: string,
    signal?: AbortSignal,
  ): Promise<void> {
    const path = `/repos/${repository.fullName}/issues/${at.number}/comments`;
    await this.#as(repository, commenting(at), { method: 'POST', path, body: { body: text }, signal });
  }

  /** Whether there is a comment with this text in it that is not older than an instant; epoch ms. */
  async hasComment(
    repository: GithubRepositoryName,
    at: Thread,
    { text, since }: { readonly text: string; readonly since: number },
    signal?: AbortSignal,
  ): Promise<boolean> {
    const from = encodeURIComponent(new Date(since).toISOString());
    const path = `/repos/${repository.fullName}/issues/${at.number}/comments?since=${from}`;
    const pages = { path, permissions: commenting(at), maxRows: maxCommentsRead, signal };
    const { rows } = await this.#pages(repository, pages);
    return rows.some((row) => String((row as { readonly body?: unknown } | null)?.body).includes(text));
  }

  async #pages(
    repository: GithubRepositoryName,
    list: {
      readonly path: string;
      readonly permissions: Permissions;
      readonly maxRows: number;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<{ readonly rows: readonly unknown[]; readonly isComplete: boolean }> {
    const { permissions, maxRows, signal } = list;
    const rows: unknown[] = [];
    for (let page = 1; page <= maxRows / pageSize; page++) {
      const path = `${list.path}${list.path.includes('?') ? '&' : '?'}per_page=${pageSize}&page=${page}`;
      const found = await this.#as(repository, permissions, { method: 'GET', path, signal });
      if (!Array.isArray(found)) return { rows, isComplete: false };
      rows.push(...found);
      if (found.length < pageSize) return { rows, isComplete: true };
    }
    return { rows, isComplete: false };
  }

  async #askToken(repository: GithubRepositoryName, permissions: Permissions): Promise<InstallationToken> {
    const { fullName, id } = repository;
    const asks = { method: 'GET', path: `/repos/${fullName}/installation` } as const;
    const installation = (await this.#ask(asks, this.#proof())) as { readonly id?: unknown } | null;
    const number = Number(installation?.id);
    if (!Number.isSafeInteger(number)) throw new GithubError(`GitHub named no installation for ${fullName}`);
    const which = id === null ? { repositories: [fullName.split('/')[1]] } : { repository_ids: [id] };
    const path = `/app/installations/${number}/access_tokens`;
    const wish: Question = { method: 'POST', path, body: { ...which, permissions } };
    const made = (await this.#ask(wish, this.#proof())) as {
      readonly token?: unknown;
      readonly expires_at?: unknown;
    } | null;
    const expiresAt = Date.parse(String(made?.expires_at));
    if (typeof made?.token !== 'string' || Number.isNaN(expiresAt))
      throw new GithubError(`GitHub gave no token for ${fullName}`);
    return { token: made.token, expiresAt };
  }

  async #as(
    repository: GithubRepositoryName,
    permissions: Permissions,
    question: Question,
  ): Promise<unknown> {
    const { token } = await unlessAborted(this.token(repository, permissions), question.signal);
    return this.#ask(question, token);
  }

  #proof(): string {
    const { appId, key, clock } = this.#options;
    return signAppProof(appId, key, clock.now());
  }

  #ask(question: Question, token: string): Promise<unknown> {
    const { apiUrl, http, clock } = this.#options;
    return askGithub({ apiUrl, http, now: () => clock.now() }, question, token);
  }
}

/** Both are written at the same address; an App that was given one of the two permissions is refused a token for both. */
function commenting({ isPull }: Thread): Permissions {
  return isPull ? { pull_requests: 'write' } : { issues: 'write' };
}

/** A token that was asked for. `expiresAt` null: it is not here yet. */
interface Kept {
  readonly token: Promise<InstallationToken>;
  expiresAt: number | null;
}

/** A file that was moved counts under both names. */
function namesOf(files: readonly unknown[]): string[] {
  return files.flatMap((file) => {
    const { filename, previous_filename: before } = (file ?? {}) as Readonly<Record<string, unknown>>;
    return [filename, before].filter((name) => typeof name === 'string');
  });
}
