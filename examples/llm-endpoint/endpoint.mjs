// A model for trying things out: it speaks OpenAI's chat completions, streamed, and says the same each time.
// node endpoint.mjs [port]
import { createServer } from 'node:http';

const port = Number(process.argv[2] ?? 8010);
const key = process.env.ENDPOINT_KEY ?? '';

/** What it says, answer by answer: it looks, changes, tests, and is done. */
const answers = [
  ['read_file', { path: 'greet.sh' }],
  ['patch_file', { path: 'greet.sh', edits: [{ old: 'Hello, $1"', new: 'Hello, $1!"' }] }],
  ['run_command', { command: 'sh test.sh' }],
  ['finish', { outcome: 'done', summary: 'The greeting ends with an exclamation mark.' }],
];

const server = createServer(async (request, response) => {
  const answer = (status, value) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  if (request.method !== 'POST' || request.url !== '/v1/chat/completions')
    return answer(404, { error: { message: `there is no ${request.method} ${request.url}` } });
  if (key !== '' && request.headers.authorization !== `Bearer ${key}`)
    return answer(401, { error: { message: 'this key is not taken' } });
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += piece;
  const { model, messages } = JSON.parse(text);
  // whose turn it is shows by how often it has spoken
  const step = messages.filter(({ role }) => role === 'assistant').length;
  const [name, args] = answers[Math.min(step, answers.length - 1)];
  process.stdout.write(`answer ${step + 1}: ${name}\n`);
  const send = (value) => response.write(`data: ${JSON.stringify(value)}\n\n`);
  const delta = (part, finish = null) =>
    send({ model, choices: [{ index: 0, delta: part, finish_reason: finish }] });
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  delta({ role: 'assistant', content: '' });
  delta({
    tool_calls: [{ index: 0, id: `call${step}`, type: 'function', function: { name, arguments: '' } }],
  });
  for (const piece of JSON.stringify(args).match(/[\s\S]{1,16}/g))
    delta({ tool_calls: [{ index: 0, function: { arguments: piece } }] });
  delta({}, 'tool_calls');
  send({ model, choices: [], usage: { prompt_tokens: 900, completion_tokens: 40, total_tokens: 940 } });
  response.end('data: [DONE]\n\n');
});
server.listen(port, '127.0.0.1', () =>
  process.stdout.write(`listens on http://127.0.0.1:${server.address().port}/v1\n`),
);
