/** What the tool loop of a coding agent costs, beside the model: everything between an answer and the next question. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { defaultLimits } from '../internal/coder/coding-agent.ts';
import { endpointAgent } from '../internal/coder/endpoint/endpoint-agent.ts';
import { systemClock } from '../pkg/clock/system-clock.ts';
import { makeHttp } from '../pkg/http/http.ts';
import { systemRandom } from '../pkg/random/random.ts';
import { type Bench, median, ms, quantile, type Row } from './harness.ts';

const steps = 200;

/** Reads, writes, patches and lists in turn, in a repository of 2,000 files; each result stays in the conversation. */
const turn = [
  ['read_file', { path: 'd1/file1.txt' }],
  ['write_file', { path: 'made/file.txt', content: 'one\ntwo\n'.repeat(100) }],
  ['patch_file', { path: 'd2/file2.txt', edits: [{ old: 'line 7 ', new: 'line 7 ' }] }],
  ['list_files', { path: 'd3' }],
] as const;

/** An endpoint that answers at once; it notes when a question was whole and when its answer was out. */
function startModel() {
  let step = 0;
  const gaps: number[] = [];
  let answeredAt = 0;
  const server = createServer((request, response) => {
    if (answeredAt > 0) gaps.push(performance.now() - answeredAt);
    request.resume().on('end', () => {
      const [name, args] =
        step < steps
          ? (turn[step % turn.length] ?? turn[0])
          : (['finish', { outcome: 'done', summary: 'x' }] as const);
      step += 1;
      const call = { index: 0, id: `c${step}`, function: { name, arguments: JSON.stringify(args) } };
      const answer = {
        model: 'm',
        choices: [{ delta: { tool_calls: [call] }, finish_reason: 'tool_calls' }],
      };
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(
        `data: ${JSON.stringify(answer)}\n\ndata: {"usage":{"prompt_tokens":9,"completion_tokens":1},"choices":[]}\n\ndata: [DONE]\n\n`,
      );
      answeredAt = performance.now();
    });
  });
  return { server, gaps };
}

/** Time from an answer being sent to the next question arriving. */
export async function benchCoder(bench: Bench): Promise<Row> {
  const slot = join(realpathSync(bench.directory), 'coder-slot');
  const directory = join(bench.directory, 'coder-work');
  for (const one of [slot, directory]) mkdirSync(one);
  const text = Array.from({ length: 200 }, (_, at) => `line ${at} of a text\n`).join('');
  for (let at = 0; at < 20; at++) {
    mkdirSync(join(slot, `d${at}`));
    for (let file = 0; file < 100; file++) writeFileSync(join(slot, `d${at}/file${file}.txt`), text);
  }
  execFileSync('git', ['init', '--quiet', slot]);
  const { server, gaps } = startModel();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const http = makeHttp({ userAgent: 'bench' });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const base = {
    http,
    clock: systemClock,
    random: systemRandom,
    baseUrl,
    key: 'sk-bench-key-of-no-use',
    model: 'm',
  };
  const agent = endpointAgent({
    door: { ...base, timeoutMs: 60_000, retryCount: 0, maxAnswerTokens: null },
    prices: {},
    secrets: Array.from({ length: 20 }, (_, at) => ({ name: `S${at}`, value: `a secret value no. ${at}` })),
    runner: null,
  });
  try {
    const limits = { ...defaultLimits, maxSteps: steps + 1 };
    const { outcome, summary } = await agent.work({ slot, directory, prompt: 'Go.', limits, env: {} });
    if (outcome !== 'done') throw new Error(`the agent ended as ${outcome}: ${summary}`);
  } finally {
    await http.close();
    server.close();
  }
  const middle = median(gaps);
  return {
    what: `tool loop of a coding agent, ${steps} steps in one conversation, beside the model`,
    measured: `${ms(middle)} a step, slowest of 20 ${ms(quantile(gaps, 0.95))}`,
    allowed: '≤ 20 ms a step',
    met: middle <= 20,
  };
}
