/** What a service answered. */
import type { HttpAnswer } from '../../../pkg/http/http.ts';
import { HttpTooLargeError } from '../../../pkg/http/http-errors.ts';

/** More of an answer is not taken; bytes. */
const maxAnswerBytes = 1024 * 1024;

/** Reads an answer as far as it may be long. @throws {HttpTooLargeError} */
export async function textOf(answer: HttpAnswer): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.stream) {
    size += chunk.length;
    if (size > maxAnswerBytes)
      throw new HttpTooLargeError(`its answer has more than the ${maxAnswerBytes} bytes that are taken`);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks, size));
}

/** What a refusal says, when it is not a page for people. */
export function saidIn(answer: HttpAnswer, text: string): string {
  if (/^text\/html\b/i.test(answer.headers['content-type'] ?? '')) return '';
  let said: unknown = text;
  try {
    const { error, message, detail } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    said = [error, message, detail].find((one) => typeof one === 'string') ?? text;
  } catch {
    // it is shown as it came
  }
  return String(said)
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 300);
}
