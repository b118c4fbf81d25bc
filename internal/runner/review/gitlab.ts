import { z } from 'zod';
import type { Http } from '../../../pkg/http/http.ts';
import { asked } from './asked.ts';
import type { ReviewWish } from './open-review.ts';

const request = z.object({ web_url: z.string() });

/** Opens a merge request, or finds the one that is open. @see https://docs.gitlab.com/api/merge_requests/ */
export async function gitlabReview(http: Http, wish: ReviewWish, signal: AbortSignal): Promise<string> {
  const { forge, branch, target, title, description, token } = wish;
  const requests = `${forge.apiUrl}/projects/${encodeURIComponent(forge.repository)}/merge_requests`;
  const headers = { 'private-token': token };
  const query = new URLSearchParams({ state: 'opened', source_branch: branch, target_branch: target });
  const { value: open } = await asked(
    http,
    { method: 'GET', url: `${requests}?${query}`, headers, signal },
    z.array(request),
  );
  if (open[0] !== undefined) return open[0].web_url;
  const body = { source_branch: branch, target_branch: target, title, description };
  const { value } = await asked(http, { method: 'POST', url: requests, headers, body, signal }, request);
  return value.web_url;
}
