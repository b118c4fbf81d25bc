/** The adapter for models behind an OpenAI-compatible endpoint, with a tool loop of our own. */
import { join } from 'node:path';
import { closedDirectory } from '../../../pkg/files/closed-directory.ts';
import { cutMiddle } from '../../../pkg/lines/cut-middle.ts';
import { makeRedactor, type NamedSecret } from '../../../pkg/redact/redactor.ts';
import { type CodingAgent, maxSummaryBytes, type WorkRequest, type WorkResult } from '../coding-agent.ts';
import type { CommandRunner } from '../command-runner.ts';
import { promptWithFiles } from '../first-files.ts';
import { type PriceTable, refuseUnpriced } from '../prices.ts';
import { Spending } from '../spending.ts';
import { openTranscript } from '../transcript.ts';
import type { ModelDoor } from './ask-model.ts';
import { type Ending, ToolLoop } from './tool-loop.ts';

/** What the adapter needs. */
export interface EndpointAgentParts {
  readonly door: ModelDoor;
  readonly prices: PriceTable;
  /** values that must not be seen anywhere; the key need not be among them */
  readonly secrets: readonly NamedSecret[];
  /** makes what runs a model's commands in a slot; null = a model may run none */
  readonly runner: ((request: WorkRequest) => CommandRunner) | null;
  /** most that a conversation may have before what is old in it is left out; bytes, default 400,000 */
  readonly maxContextBytes?: number;
  /** answers in a row that cannot be acted on; default 3 */
  readonly maxNonsense?: number;
}

/** Makes an agent of a model. */
export function endpointAgent(parts: EndpointAgentParts): CodingAgent {
  const { model, baseUrl } = parts.door;
  const name = `${model} at ${new URL(baseUrl).host}`;
  return { name, work: (request) => work(parts, request) };
}

async function work(parts: EndpointAgentParts, request: WorkRequest): Promise<WorkResult> {
  const { door, prices } = parts;
  request.signal?.throwIfAborted();
  refuseUnpriced(prices, door.model, request.limits.maxCostMicros);
  const own = door.key === null ? [] : [{ name: 'the key of the endpoint', value: door.key }];
  const redactor = makeRedactor([...parts.secrets, ...own]);
  const transcript = openTranscript(join(request.directory, 'transcript.jsonl'), {
    gap: (bytes) => `${JSON.stringify({ type: 'gap', leftOutBytes: bytes })}\n`,
  });
  const spending = new Spending(request);
  const time = new AbortController();
  const cancelTimer = door.clock.after(request.limits.timeoutMs, () =>
    time.abort(new Error('the time is up')),
  );
  const signal = request.signal ? AbortSignal.any([request.signal, time.signal]) : time.signal;
  const loop = new ToolLoop({
    ...{ door, prices, spending, transcript, signal, limits: request.limits },
    mask: (text) => redactor.text(text),
    context: {
      files: closedDirectory({ root: request.slot, isClosed: isGitDirectory }),
      run: parts.runner?.(request) ?? null,
      signal,
    },
    on: request.on ?? (() => {}),
    maxContextBytes: parts.maxContextBytes ?? 400_000,
    maxNonsense: parts.maxNonsense ?? 3,
  });
  try {
    const ending = await loop.run(promptWithFiles(request)).catch((error: unknown): Ending => {
      request.signal?.throwIfAborted();
      if (!time.signal.aborted) throw error;
      const seconds = Math.ceil(request.limits.timeoutMs / 1000);
      return { outcome: 'limit', reason: 'time', summary: `it was not done within ${seconds} s` };
    });
    const summary = cutMiddle(redactor.text(ending.summary), maxSummaryBytes);
    const usage = spending.total;
    loop.note({ type: 'end', ...ending, usage });
    return { ...ending, summary, transcriptFile: transcript.file, usage };
  } finally {
    cancelTimer();
    transcript.close();
  }
}

/** Whatever its case, since some file systems do not tell them apart. */
function isGitDirectory(name: string): boolean {
  return name.toLowerCase() === '.git';
}
