/** The readers of the kinds of output. @see presets.ts for where they are described */
import { asObject, parseJson } from '../json.ts';
import type { TokenCounts } from '../prices.ts';
import {
  countIn,
  type Loose,
  microsOf,
  nothingSeen,
  type OutputReader,
  objectIn,
  type SeenOutput,
  textIn,
} from './output-reader.ts';
import type { OutputKind } from './template.ts';

/** Makes a reader for one run. */
export function outputReader(kind: OutputKind): OutputReader {
  switch (kind) {
    case 'claude':
      return readObjects(claude());
    case 'codex':
      return readObjects(codex);
    case 'gemini':
      return readObjects(gemini());
    case 'lines':
      return readObjects(lines);
    case 'aider':
      return aider();
    case 'none':
      return { seen: nothingSeen, line: (text) => text };
  }
}

/** What one object changes, and what in it is for people. */
type Change = (object: Loose, seen: SeenOutput) => Partial<SeenOutput> & { readonly shown?: string | null };

/** Lines that are no object are shown as they are. */
function readObjects(change: Change): OutputReader {
  let seen = nothingSeen;
  return {
    get seen() {
      return seen;
    },
    line: (text) => {
      const object = text.trimStart().startsWith('{') ? asObject(parseJson(text)) : null;
      if (object === null) return text === '' ? null : text;
      const { shown = null, ...changed } = change(object, seen);
      seen = { ...seen, ...changed };
      return shown;
    },
  };
}

function claudeTokens(usage: Loose): TokenCounts {
  const [read, made] = [
    countIn(usage, 'cache_read_input_tokens'),
    countIn(usage, 'cache_creation_input_tokens'),
  ];
  const tokensIn = countIn(usage, 'input_tokens') + read + made;
  return { tokensIn, cachedIn: read, tokensOut: countIn(usage, 'output_tokens') };
}

/** A message comes in several pieces, each with the usage of the whole so far; the end has the sum of all. */
function claude(): Change {
  const messages = new Map<string, TokenCounts>();
  return (object, seen) => {
    if (object.type === 'system') return { model: textIn(object, 'model') ?? seen.model };
    if (object.type === 'assistant') {
      const message = objectIn(object, 'message');
      messages.set(textIn(message, 'id') ?? String(messages.size), claudeTokens(objectIn(message, 'usage')));
      const sum = sumOf([...messages.values()]);
      const model = seen.model ?? textIn(message, 'model');
      return { ...sum, model, calls: messages.size, shown: claudeWords(message.content) };
    }
    if (object.type !== 'result') return {};
    const subtype = textIn(object, 'subtype') ?? '';
    const limit =
      subtype === 'error_max_turns' ? 'steps' : subtype === 'error_max_budget_usd' ? 'cost' : null;
    const words = textIn(object, 'result');
    const isBad = object.is_error === true || subtype.startsWith('error');
    return {
      ...largest(seen, claudeTokens(objectIn(object, 'usage'))),
      calls: Math.max(seen.calls, countIn(object, 'num_turns')),
      costMicros: microsOf(object.total_cost_usd),
      words,
      limit,
      fault: isBad ? (words ?? subtype) : null,
    };
  };
}

function claudeWords(content: unknown): string | null {
  if (!Array.isArray(content)) return null;
  const words = content.flatMap((part) => {
    const piece = asObject(part) ?? {};
    if (piece.type === 'text') return [textIn(piece, 'text') ?? ''];
    return piece.type === 'tool_use' ? [`[${textIn(piece, 'name') ?? 'tool'}]`] : [];
  });
  return words.length === 0 ? null : words.join('\n');
}

const codex: Change = (object, seen) => {
  const item = objectIn(object, 'item');
  if (object.type === 'item.completed' && item.type === 'agent_message') {
    const words = textIn(item, 'text');
    return { words, shown: words };
  }
  if (object.type === 'item.started' && item.type === 'command_execution')
    return { shown: `$ ${textIn(item, 'command') ?? ''}` };
  if (object.type === 'turn.completed') {
    const usage = objectIn(object, 'usage');
    const more: TokenCounts = {
      tokensIn: countIn(usage, 'input_tokens'),
      cachedIn: countIn(usage, 'cached_input_tokens'),
      tokensOut: countIn(usage, 'output_tokens'),
    };
    return { ...sumOf([seen, more]), calls: seen.calls + 1 };
  }
  if (object.type === 'turn.failed' || object.type === 'error') {
    const fault = textIn(objectIn(object, 'error'), 'message') ?? textIn(object, 'message') ?? 'it failed';
    return { fault: object.type === 'error' ? seen.fault : fault, shown: fault };
  }
  return {};
};

/** The model is called once before its first words, and again after each batch of results; its words come in pieces. */
function gemini(): Change {
  let isNew = true;
  return (object, seen) => {
    const isModels = object.type === 'tool_use' || (object.type === 'message' && object.role === 'assistant');
    const calls = seen.calls + (isModels && isNew ? 1 : 0);
    if (object.type === 'tool_result') isNew = true;
    else if (isModels) isNew = false;
    if (object.type === 'init') return { model: textIn(object, 'model') };
    if (object.type === 'tool_use') {
      const name = `[${textIn(object, 'tool_name') ?? 'tool'}]`;
      return { calls, words: null, shown: seen.words === null ? name : `${seen.words}\n${name}` };
    }
    if (isModels) return { calls, words: (seen.words ?? '') + (textIn(object, 'content') ?? '') };
    if (object.type !== 'result') return {};
    const stats = objectIn(object, 'stats');
    const all = countIn(stats, 'total_tokens');
    const tokensIn = countIn(stats, 'input_tokens');
    // thoughts are in the sum alone
    const tokensOut = Math.max(countIn(stats, 'output_tokens'), all - tokensIn);
    const fault = textIn(objectIn(object, 'error'), 'message') ?? 'it ended with an error';
    return {
      ...{ tokensIn, cachedIn: countIn(stats, 'cached'), tokensOut },
      ...{ calls: Math.max(1, seen.calls), fault: object.status === 'success' ? null : fault },
      shown: seen.words,
    };
  };
}

/** Of an agent of one's own: `{"usage": {…}}` adds, `{"summary": "…"}` are its last words, `{"failed": "…"}` what went wrong. */
const lines: Change = (object, seen) => {
  const usage = asObject(object.usage);
  const [summary, failed] = [textIn(object, 'summary'), textIn(object, 'failed')];
  const more = usage ?? {};
  const cost = microsOf(more.cost_usd);
  const counts: TokenCounts = {
    tokensIn: countIn(more, 'tokens_in'),
    cachedIn: countIn(more, 'cached_in'),
    tokensOut: countIn(more, 'tokens_out'),
  };
  return {
    ...sumOf([seen, counts]),
    model: textIn(more, 'model') ?? seen.model,
    calls: seen.calls + (usage === null ? 0 : countIn(more, 'calls') || 1),
    costMicros: cost === null ? seen.costMicros : (seen.costMicros ?? 0) + cost,
    words: summary ?? seen.words,
    fault: failed ?? seen.fault,
    shown: summary ?? failed,
  };
};

const aiderReport = /^(?:> )?Tokens: ([\d.,]+[kM]?) sent,.* ([\d.,]+[kM]?) received\.(?: Cost: (.*))?$/;

/** `Tokens: 4.2k sent, 1.1k received. Cost: $0.02 message, $0.05 session.`: tokens of the message, cost of all. */
function aider(): OutputReader {
  let seen = nothingSeen;
  return {
    get seen() {
      return seen;
    },
    line: (text) => {
      const short = text.length > 400 ? '' : text.trimEnd();
      const model = /^(?:Main m|M)odel: (\S+)/.exec(short)?.[1];
      if (model !== undefined) seen = { ...seen, model };
      const [whole, sent = '', received = '', cost = ''] = aiderReport.exec(short) ?? [];
      if (whole === undefined) return text;
      const more: TokenCounts = { tokensIn: aiderCount(sent), cachedIn: 0, tokensOut: aiderCount(received) };
      const session = microsOf(/\$([\d.]+\d) session/.exec(cost)?.[1]);
      const message = microsOf(/\$([\d.]+\d) message/.exec(cost)?.[1]);
      const sum = message === null ? seen.costMicros : (seen.costMicros ?? 0) + message;
      seen = { ...seen, ...sumOf([seen, more]), calls: seen.calls + 1, costMicros: session ?? sum };
      return text;
    },
  };
}

function aiderCount(text: string): number {
  const factor = text.endsWith('k') ? 1e3 : text.endsWith('M') ? 1e6 : 1;
  const count = Math.round(Number.parseFloat(text.replaceAll(',', '')) * factor);
  return Number.isSafeInteger(count) ? count : 0;
}

function sumOf(counts: readonly TokenCounts[]): TokenCounts {
  const add = (field: keyof TokenCounts) => counts.reduce((sum, one) => sum + one[field], 0);
  return { tokensIn: add('tokensIn'), cachedIn: add('cachedIn'), tokensOut: add('tokensOut') };
}

function largest(a: TokenCounts, b: TokenCounts): TokenCounts {
  return {
    tokensIn: Math.max(a.tokensIn, b.tokensIn),
    cachedIn: Math.max(a.cachedIn, b.cachedIn),
    tokensOut: Math.max(a.tokensOut, b.tokensOut),
  };
}
