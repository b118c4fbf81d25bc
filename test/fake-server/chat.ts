/** Answers of an OpenAI-compatible endpoint, for routes of the fake server: streamed in small pieces, whole, cut. */
import type { FakeAnswer } from './fake-server.ts';

/** What a model says. */
export interface Said {
  readonly text?: string;
  readonly calls?: readonly { readonly name: string; readonly args: unknown; readonly id?: string }[];
  /** tokens of prompt and answer; null = they are not told; default 100 and 10 */
  readonly tokens?: readonly [number, number] | null;
  readonly model?: string;
  readonly finish?: string;
}

/** The path of the route. */
export const chatPath = '/v1/chat/completions';

const argumentsOf = (args: unknown) => (typeof args === 'string' ? args : JSON.stringify(args));

const inPieces = (text: string) =>
  Array.from({ length: Math.ceil(text.length / 7) }, (_, at) => text.slice(at * 7, at * 7 + 7));

function piecesOf(said: Said): unknown[] {
  const { text = '', calls = [], model = 'gpt-4', tokens = [100, 10] } = said;
  const delta = (part: unknown, finish: string | null = null) => ({
    model,
    choices: [{ index: 0, delta: part, finish_reason: finish }],
  });
  const words = inPieces(text).map((content) => delta({ content }));
  const called = calls.flatMap(({ name, args, id = `c${name}` }, index) => [
    delta({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
    ...inPieces(argumentsOf(args)).map((piece) =>
      delta({ tool_calls: [{ index, function: { arguments: piece } }] }),
    ),
  ]);
  const finish = said.finish ?? (calls.length > 0 ? 'tool_calls' : 'stop');
  const usage = tokens === null ? [] : [{ model, choices: [], usage: usageOf(tokens) }];
  return [delta({ role: 'assistant' }), ...words, ...called, delta({}, finish), ...usage];
}

const usageOf = ([prompt, completion]: readonly [number, number]) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
});

const streamed = { 'content-type': 'text/event-stream' };

/** A streamed answer. @param pieces  how many of its events come before the connection ends; default all, and `[DONE]` */
export function says(said: Said, pieces?: number): FakeAnswer {
  return {
    headers: streamed,
    stream: async (send) => {
      const all = piecesOf(said);
      for (const piece of all.slice(0, pieces)) send(`data: ${JSON.stringify(piece)}\n\n`);
      if (pieces === undefined) send('data: [DONE]\n\n');
    },
  };
}

/** A streamed answer that calls tools: `calls('read_file', { path: 'a' })`. */
export const calls = (name: string, args: unknown, more: Said = {}): FakeAnswer =>
  says({ ...more, calls: [{ name, args }] });

/** A streamed answer that says that it is done. */
export const done = (summary = 'all done'): FakeAnswer => calls('finish', { outcome: 'done', summary });

/** An answer in one piece, as some endpoints give it in spite of the wish for a stream. */
export function saysWhole({
  text = null,
  calls: called = [],
  tokens = [100, 10],
}: Omit<Said, 'text'> & { text?: string | null }): FakeAnswer {
  const tool_calls = called.map(({ name, args, id = `c${name}` }) => ({
    id,
    type: 'function',
    function: { name, arguments: argumentsOf(args) },
  }));
  return {
    json: {
      model: 'gpt-4',
      choices: [{ message: { role: 'assistant', content: text, tool_calls }, finish_reason: 'tool_calls' }],
      usage: tokens === null ? null : usageOf(tokens),
    },
  };
}

/** The messages of a request as it came. */
export const messagesOf = (request: { readonly json: unknown } | undefined) =>
  (request!.json as { messages: { role: string; content: string | null; tool_call_id?: string }[] }).messages;

/** The last message of a request. */
export const lastMessage = (request: { readonly json: unknown } | undefined) =>
  messagesOf(request).at(-1)?.content ?? '';
