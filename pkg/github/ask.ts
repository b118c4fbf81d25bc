/** One question to GitHub's API, and what its answer means. */
import type { Http, HttpAnswer, HttpRequest } from '../http/http.ts';
import { GithubError } from './github-error.ts';

/** A question. */
export interface Question {
  readonly method: 'GET' | 'POST';
  /** below the address of the API, with its query */
  readonly path: string;
  /** sent as JSON */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** Whom to ask. */
export interface Asked {
  readonly http: Http;
  /** without a slash at the end */
  readonly apiUrl: string;
  /** epoch ms */
  readonly now: () => number;
}

/** For one question; ms. */
const answerMs = 10_000;
/** A repository that was renamed sends on once; more than a few are a circle. */
const maxRedirects = 3;
/** Characters of what GitHub says about a refusal. */
const maxWords = 200;

/**
 * Asks, and follows to where a renamed repository is now.
 * @param token  of an installation, or a proof of the App
 * @throws {GithubError}
 */
export async function askGithub(
  { http, apiUrl, now }: Asked,
  question: Question,
  token: string,
): Promise<unknown> {
  const { method, path, body, signal } = question;
  const at = `${method} ${path.split('?')[0]}`;
  let url = apiUrl + path;
  for (let redirects = 0; ; redirects++) {
    const request: HttpRequest = {
      ...{ method, url, headersMs: answerMs, stallMs: answerMs },
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${token}`,
        'x-github-api-version': '2022-11-28',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    };
    const answer = await sent(http, request, at);
    const next = redirects < maxRedirects ? redirectOf(answer, url) : null;
    if (next === null) return read(answer, at, now());
    await answer.discard();
    url = next;
  }
}

async function sent(http: Http, request: HttpRequest, at: string): Promise<HttpAnswer> {
  try {
    return await http.request(request);
  } catch (cause) {
    throw new GithubError(`GitHub could not be asked (${at})`, { cause });
  }
}

async function read(answer: HttpAnswer, at: string, now: number): Promise<unknown> {
  if (answer.status >= 300) throw await refusalOf(answer, at, now);
  try {
    return await answer.json();
  } catch (cause) {
    throw new GithubError(`GitHub's answer cannot be read (${at})`, { cause });
  }
}

/** Never to another server: the question carries a token. */
function redirectOf({ status, headers }: HttpAnswer, url: string): string | null {
  if (![301, 302, 307, 308].includes(status) || headers.location === undefined) return null;
  const next = URL.canParse(headers.location, url) ? new URL(headers.location, url) : null;
  return next?.origin === new URL(url).origin ? next.href : null;
}

async function refusalOf(answer: HttpAnswer, at: string, now: number): Promise<GithubError> {
  const { status, headers } = answer;
  const said = (await answer.json().catch(() => null)) as { readonly message?: unknown } | null;
  const words = typeof said?.message === 'string' ? said.message.slice(0, maxWords) : '';
  // the limits of rates come as 403 too; the second kind of them says so in words only
  const isExhausted = headers['x-ratelimit-remaining'] === '0';
  const isLimited = isExhausted || headers['retry-after'] !== undefined || /rate limit/i.test(words);
  const isRateLimit = status === 429 || (status === 403 && isLimited);
  return new GithubError(`GitHub answered ${status}${words === '' ? '' : `, ${words}`} (${at})`, {
    status,
    isRateLimit,
    retryAfterMs: retryAfterOf(headers, isExhausted && isRateLimit, now),
  });
}

/** Seconds from now on, or the instant at which the limit begins anew. */
function retryAfterOf(headers: HttpAnswer['headers'], isExhausted: boolean, now: number): number | null {
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  if (seconds >= 0) return seconds * 1000;
  const reset = Number(headers['x-ratelimit-reset'] ?? Number.NaN) * 1000;
  return isExhausted && reset >= 0 ? Math.max(0, reset - now) : null;
}
