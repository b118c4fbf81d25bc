import type { z } from 'zod';
import type { Http } from '../../../pkg/http/http.ts';
import { ReviewError } from './review-fault.ts';

/** One question to a forge. */
interface Question {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
}

/** Most of an answer that is told. */
const maxTold = 300;

/** Asks a forge. @throws {ReviewError} for a refusal, or an answer that is none; {HttpError} */
export async function asked<T>(
  http: Http,
  { method, url, headers, body, signal }: Question,
  shape: z.ZodType<T>,
): Promise<{ readonly value: T }> {
  const answer = await http.request({
    ...{ method, url, signal },
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const { host } = new URL(url);
  if (answer.status < 200 || answer.status > 299)
    throw new ReviewError(
      answer.status,
      `${host} answered ${answer.status} to ${method} of the request: ${text.slice(0, maxTold)}.`,
    );
  const read = shape.safeParse(parse(text));
  if (read.success) return { value: read.data };
  throw new ReviewError(
    answer.status,
    `${host} answered something that is no pull or merge request: ${text.slice(0, maxTold)}.`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
