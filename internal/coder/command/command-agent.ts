/** The adapter for programs that are agents themselves. */
import { join } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import { cutMiddle } from '../../../pkg/lines/cut-middle.ts';
import { type Confined, memoryText } from '../../../pkg/process/confine.ts';
import { ProcessStartError } from '../../../pkg/process/run.ts';
import { runTree, type TreeResult } from '../../../pkg/process/run-tree.ts';
import type { Random } from '../../../pkg/random/random.ts';
import { makeRedactor, type NamedSecret, type Redactor } from '../../../pkg/redact/redactor.ts';
import { InputError } from '../../domain/errors.ts';
import { formatMoney } from '../../domain/money.ts';
import { type CodingAgent, maxSummaryBytes, type WorkRequest, type WorkResult } from '../coding-agent.ts';
import { promptWithFiles } from '../first-files.ts';
import { type PriceTable, refuseUnpriced } from '../prices.ts';
import { Spending, type Stop } from '../spending.ts';
import { openTranscript, writeNote } from '../transcript.ts';
import { Listening } from './listening.ts';
import { outputReader } from './output-readers.ts';
import {
  allowedEnvironment,
  type CommandTemplate,
  fillTemplate,
  type TemplateValues,
  tellingKinds,
} from './template.ts';

/** What the adapter needs. */
export interface CommandAgentParts {
  readonly clock: Clock;
  readonly random: Random;
  /** for people; of a preset its name */
  readonly name: string;
  readonly template: CommandTemplate;
  /** handed to the program where it takes one; null = its own choice */
  readonly model: string | null;
  readonly prices: PriceTable;
  /** values that must not be seen anywhere */
  readonly secrets: readonly NamedSecret[];
  /** limits of it and all that it starts; default: none */
  readonly confined?: Confined;
}

/** Names of variables whose values are masked whoever forgets to say so. */
export const secretName = /KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTH/i;

/** Makes an agent of a program. It runs in the slot, in a session of its own, and dies with all that it started. */
export function commandAgent(parts: CommandAgentParts): CodingAgent {
  return { name: parts.name, work: (request) => work(parts, request) };
}

async function work(parts: CommandAgentParts, request: WorkRequest): Promise<WorkResult> {
  request.signal?.throwIfAborted();
  if (!tellingKinds.includes(parts.template.output))
    refuseUnpriced(parts.prices, parts.model, request.limits.maxCostMicros);
  const env = allowedEnvironment(request.env, parts.template);
  const redactor = redactorFor(parts.secrets, env);
  const takesFiles = parts.template.args.includes('{files}');
  const prompt = redactor.text(takesFiles ? request.prompt : promptWithFiles(request));
  const promptFile = join(request.directory, 'prompt.md');
  writeNote(promptFile, prompt);

  const transcript = openTranscript(join(request.directory, 'transcript.log'));
  const spending = new Spending(request);
  const halt = new AbortController();
  const listening = new Listening({
    ...{ redactor, transcript, spending, request, prices: parts.prices },
    reader: outputReader(parts.template.output),
    model: parts.model,
    halt: (reason) => halt.abort(reason),
  });
  try {
    const ended = await run();
    await listening.end();
    if (ended !== null && ended.leftBehind > 0)
      transcript.add(`\n[${ended.leftBehind} processes that it left behind were ended]\n`);
    const lack = ended?.outOfMemory === true ? memoryText(parts.confined) : null;
    const result = resultOf({ ended, stop: listening.stop, listening, request, lack });
    const summary = cutMiddle(redactor.text(result.summary), maxSummaryBytes);
    return { ...result, summary, transcriptFile: transcript.file, usage: spending.total };
  } finally {
    transcript.close();
  }

  /** @returns null when it was stopped by us, for what listening knows */
  async function run(): Promise<TreeResult | null> {
    try {
      return await runTree({
        command: parts.template.command,
        args: fillTemplate(parts.template.args, valuesOf(parts, request, promptFile), request.files ?? []),
        cwd: request.slot,
        env,
        mark: { name: 'KERUTA_CODER_ID', value: parts.random.uuid4() },
        stdin: parts.template.prompt === 'stdin' ? prompt : '',
        timeoutMs: request.limits.timeoutMs,
        signal: request.signal ? AbortSignal.any([request.signal, halt.signal]) : halt.signal,
        clock: parts.clock,
        ...(parts.confined && { confined: parts.confined }),
        onOutput: (stream, bytes) => listening.take(stream, bytes),
      });
    } catch (error) {
      request.signal?.throwIfAborted();
      if (error instanceof ProcessStartError) throw notStarted(parts, error);
      if (halt.signal.aborted) return null;
      throw error;
    }
  }
}

function redactorFor(secrets: readonly NamedSecret[], env: Readonly<Record<string, string>>): Redactor {
  const own = Object.entries(env).filter(([name]) => secretName.test(name));
  return makeRedactor([...secrets, ...own.map(([name, value]) => ({ name, value }))]);
}

function valuesOf(parts: CommandAgentParts, request: WorkRequest, promptFile: string): TemplateValues {
  const { maxCostMicros, maxSteps, timeoutMs } = request.limits;
  return {
    prompt_file: promptFile,
    slot: request.slot,
    directory: request.directory,
    model: parts.model,
    max_steps: String(maxSteps),
    max_cost: maxCostMicros === null ? null : formatMoney(maxCostMicros),
    max_seconds: String(Math.ceil(timeoutMs / 1000)),
  };
}

function notStarted({ name, template }: CommandAgentParts, cause: ProcessStartError): InputError {
  const advice =
    cause.code === 'ENOENT'
      ? 'install it, or give its program in "command"'
      : 'check that it may be executed, and that prompt and environment are not too large for the machine';
  return new InputError(
    'KERUTA_ERR_CONFIG',
    `the coding agent ${name} cannot be started: ${template.command} (${cause.code}); ${advice}`,
    { cause },
  );
}

interface Ending {
  readonly ended: TreeResult | null;
  readonly stop: Stop | null;
  readonly listening: Listening;
  readonly request: WorkRequest;
  /** what is to be said of memory that ran out; null = it did not */
  readonly lack: string | null;
}

function resultOf({
  ended,
  stop,
  listening,
  request,
  lack,
}: Ending): Pick<WorkResult, 'outcome' | 'reason' | 'summary'> {
  const { seen } = listening;
  if (stop !== null) return { outcome: 'limit', reason: stop.reason, summary: stop.words };
  if (ended?.timedOut === true) {
    const summary = `it did not end within ${Math.ceil(request.limits.timeoutMs / 1000)} s and was ended`;
    return { outcome: 'limit', reason: 'time', summary };
  }
  if (seen.limit !== null)
    return {
      outcome: 'limit',
      reason: seen.limit,
      summary: seen.words ?? seen.fault ?? 'it reached its limit',
    };
  if (ended?.exitCode !== 0 || seen.fault !== null) {
    const how = ended?.signal ? `it was ended by ${ended.signal}` : `it ended with status ${ended?.exitCode}`;
    return {
      outcome: 'failed',
      reason: 'exit',
      summary: [lack, how, seen.fault ?? listening.tail].filter(Boolean).join(': '),
    };
  }
  return { outcome: 'done', reason: null, summary: seen.words ?? listening.tail };
}
