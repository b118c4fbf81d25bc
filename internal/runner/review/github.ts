import { z } from 'zod';
import type { Http } from '../../../pkg/http/http.ts';
import { asked } from './asked.ts';
import type { ReviewWish } from './open-review.ts';

const pull = z.object({ html_url: z.string() });

/** Opens a pull request, or finds the one that is open. @see https://docs.github.com/rest/pulls/pulls */
export async function githubReview(http: Http, wish: ReviewWish, signal: AbortSignal): Promise<string> {
  const { forge, branch, target, title, description, token } = wish;
  const pulls = `${forge.apiUrl}/repos/${forge.repository}/pulls`;
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
  };
  const find = async () => {
    const head = `${forge.repository.split('/')[0]}:${branch}`;
    const query = new URLSearchParams({ state: 'open', head, base: target });
    const { value } = await asked(
      http,
      { method: 'GET', url: `${pulls}?${query}`, headers, signal },
      z.array(pull),
    );
    return value[0]?.html_url ?? null;
  };
  const found = await find();
  if (found !== null) return found;
  const body = { title, head: branch, base: target, body: description };
  const { value } = await asked(http, { method: 'POST', url: pulls, headers, body, signal }, pull);
  return value.html_url;
}
