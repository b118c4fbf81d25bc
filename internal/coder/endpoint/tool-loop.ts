import type { WorkEvent, WorkLimits, WorkResult } from '../coding-agent.ts';
import { mapTexts } from '../json.ts';
import { costOf, type PriceTable, priceOf } from '../prices.ts';
import type { Spending } from '../spending.ts';
import type { Transcript } from '../transcript.ts';
import { type Asked, askModel, type ModelDoor, type Spent } from './ask-model.ts';
import type { CallMessage, ModelAnswer, ToolSpec } from './chat.ts';
import { Conversation } from './conversation.ts';
import { actOn, type PreparedTool, prepareCall, specOf, type Tool, type ToolContext } from './tool.ts';
import { type Finish, finish, toolsOf } from './tools.ts';

/** How a loop ended; the summary is not masked yet. */
export type Ending = Pick<WorkResult, 'outcome' | 'reason' | 'summary'>;

/** What the loop works with. */
export interface LoopParts {
  readonly door: ModelDoor;
  readonly prices: PriceTable;
  readonly spending: Spending;
  readonly transcript: Transcript;
  readonly limits: WorkLimits;
  readonly context: ToolContext;
  readonly signal: AbortSignal;
  readonly mask: (text: string) => string;
  readonly on: (event: WorkEvent) => void;
  readonly maxContextBytes: number;
  readonly maxNonsense: number;
}

interface Call {
  readonly id: string;
  readonly name: string;
  readonly prepared: PreparedTool;
}

/** So often a conversation is made shorter for an endpoint that finds it too long. */
const mostShortenings = 3;

const system = `You are a coding agent. You work alone in one repository, with the tools that you are given: nobody reads what you say in between, and nobody can answer.
Every answer of yours has to call a tool. When the task is done, or cannot be done, call "finish".
Paths are relative to the root of the repository. Files outside of it, links and .git are out of reach.`;

/** Asks, does what was asked for, tells what came of it, until an end. */
export class ToolLoop {
  readonly #parts: LoopParts;
  readonly #tools: readonly Tool[];
  readonly #specs: readonly ToolSpec[];
  #step = 0;
  #nonsense = 0;
  #calls = 0;

  constructor(parts: LoopParts) {
    this.#parts = parts;
    this.#tools = toolsOf(parts.context.run !== null);
    this.#specs = this.#tools.map(specOf);
  }

  /** @throws the signal's reason; what the gate throws; {UnavailableError} KERUTA_ERR_DISK_FULL */
  async run(prompt: string): Promise<Ending> {
    const { door, limits, maxNonsense, mask } = this.#parts;
    const conversation = new Conversation(system, mask(prompt));
    this.note({ type: 'prompt', model: door.model, text: prompt });
    while (this.#step < limits.maxSteps) {
      this.#step += 1;
      const asked = await this.#ask(conversation);
      if (asked.kind === 'stop')
        return { outcome: 'limit', reason: asked.stop.reason, summary: asked.stop.words };
      if (asked.kind === 'fault') return { outcome: 'failed', reason: 'endpoint', summary: asked.words };
      const ending = await this.#act(conversation, asked.answer);
      if (ending !== null) return ending;
      if (this.#nonsense > maxNonsense) {
        const summary = `its last ${this.#nonsense} answers called no tool as it has to be called`;
        return { outcome: 'failed', reason: 'nonsense', summary };
      }
    }
    return {
      outcome: 'limit',
      reason: 'steps',
      summary: `it was not done after ${limits.maxSteps} calls of the model`,
    };
  }

  /** Adds a line to the transcript. */
  note(entry: Readonly<Record<string, unknown>>): void {
    const { transcript, door, mask } = this.#parts;
    const at = new Date(door.clock.now()).toISOString();
    transcript.add(`${JSON.stringify({ at, step: this.#step, ...(mapTexts(entry, mask) as object) })}\n`);
  }

  async #ask(conversation: Conversation): Promise<Asked> {
    const { door, maxContextBytes, signal } = this.#parts;
    conversation.fit(maxContextBytes);
    for (let shortened = 0; ; shortened++) {
      const asked = await askModel(door, {
        messages: conversation.messages,
        ...{ tools: this.#specs, signal },
        spend: (used) => this.#spend(used),
        onRetry: (why, delayMs) => this.#retried(why, delayMs),
      });
      const mayShorten = asked.kind === 'fault' && asked.isTooLong && shortened < mostShortenings;
      if (!mayShorten || !conversation.fit(conversation.bytes / 2)) return asked;
      this.#retried(asked.words, 0);
    }
  }

  #spend(used: Spent) {
    const { prices, spending, door, mask } = this.#parts;
    // some endpoints call the model by another name than they have a price for
    const price = priceOf(prices, used.model) ?? priceOf(prices, door.model);
    const { tokensIn, tokensOut, isEstimated } = used;
    const costMicros = price === null ? null : costOf(price, used);
    return spending.add({
      model: mask(used.model ?? door.model).slice(0, 200),
      calls: 1,
      ...{ tokensIn, tokensOut, costMicros, isEstimated },
    });
  }

  #retried(why: string, delayMs: number): void {
    const { on, mask } = this.#parts;
    on({ type: 'retry', why: mask(why), delayMs });
    this.note({ type: 'retry', why, delayMs });
  }

  /** Does what an answer asks for. @returns null = go on */
  async #act(conversation: Conversation, answer: ModelAnswer): Promise<Ending | null> {
    const { mask, on } = this.#parts;
    const calls = answer.calls.map((call): Call => {
      this.#calls += 1;
      return { id: idOf(this.#calls), name: call.name, prepared: prepareCall(this.#tools, call) };
    });
    if (answer.text.trim() !== '') on({ type: 'said', step: this.#step, text: mask(answer.text) });
    const told = calls.map((call) => callMessage(call, mask));
    this.note({
      type: 'answer',
      text: answer.text,
      finish: answer.finish,
      calls: told.map(({ function: one }) => one),
    });
    conversation.answer(mask(answer.text), told);
    if (calls.length === 0) {
      this.#nonsense += 1;
      conversation.tell(withoutCall(answer));
      return null;
    }
    this.#nonsense = calls.some(({ prepared }) => prepared.isGood) ? 0 : this.#nonsense + 1;
    let end: Finish | null = null;
    for (const call of calls) {
      const { text, isOk } = await this.#use(call, answer);
      conversation.result(call.id, mask(text));
      if (isOk && call.name === finish.name && call.prepared.isGood) end = call.prepared.args as Finish;
    }
    if (end === null) return null;
    return end.outcome === 'done'
      ? { outcome: 'done', reason: null, summary: end.summary }
      : { outcome: 'failed', reason: 'stuck', summary: end.summary };
  }

  async #use({ name, prepared }: Call, answer: ModelAnswer): Promise<{ text: string; isOk: boolean }> {
    const { context, door, mask, on, signal } = this.#parts;
    signal.throwIfAborted();
    if (!prepared.isGood) {
      const cut =
        answer.finish === 'length' ? ' Your answer was cut at its limit of tokens: make smaller steps.' : '';
      this.note({ type: 'tool', name, fault: prepared.fault });
      return { text: `not done: ${prepared.fault}.${cut}`, isOk: false };
    }
    const startedAt = door.clock.monotonicMs();
    const done = await actOn(prepared, context);
    const durationMs = Math.round(door.clock.monotonicMs() - startedAt);
    const shown = { name, subject: prepared.subject, isOk: done.isOk, durationMs };
    on({ type: 'tool', step: this.#step, ...shown, subject: mask(prepared.subject) });
    this.note({ type: 'tool', ...shown, text: done.text });
    return done;
  }
}

function withoutCall({ finish: why, text }: ModelAnswer): string {
  if (why === 'length')
    return 'Your answer was cut at its limit of tokens before it called a tool. Make smaller steps.';
  const what = text.trim() === '' ? 'Your answer was empty.' : 'Your answer called no tool.';
  return `${what} Go on with a tool, or call "finish" when the task is done or cannot be done.`;
}

/** An id of our own, since theirs may be double, or hold anything; nine letters and digits is what all endpoints take. */
const idOf = (count: number) => `c${String(count).padStart(8, '0')}`;

function callMessage({ id, name, prepared }: Call, mask: (text: string) => string): CallMessage {
  const given = prepared.isGood ? JSON.stringify(mapTexts(prepared.args, mask)) : '{}';
  const called =
    mask(name)
      .replaceAll(/[^\w-]/g, '_')
      .slice(0, 64) || 'unknown';
  return { id, type: 'function', function: { name: called, arguments: given } };
}
