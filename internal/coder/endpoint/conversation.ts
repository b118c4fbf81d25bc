import type { CallMessage, ChatMessage } from './chat.ts';

/** A result or an argument that is shorter is not worth leaving out; characters. */
const worthCutting = 400;
/** So many messages at the end stay as they are: the model is working on them. */
const freshMessages = 6;

/** What was said so far; all of it is masked before it comes here. It forgets what is old when there is too much of it. */
export class Conversation {
  #messages: ChatMessage[];

  constructor(system: string, prompt: string) {
    this.#messages = [
      { role: 'system', content: system },
      { role: 'user', content: prompt },
    ];
  }

  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  /** As it is sent, nearly. */
  get bytes(): number {
    return this.#messages.reduce((sum, message) => sum + sizeOf(message), 0);
  }

  /** What the model said; nothing at all is passed over, since endpoints refuse empty messages. */
  answer(text: string, calls: readonly CallMessage[]): void {
    if (calls.length > 0)
      this.#messages.push({ role: 'assistant', content: text === '' ? null : text, tool_calls: calls });
    else if (text !== '') this.#messages.push({ role: 'assistant', content: text });
  }

  /** What came of a call. */
  result(id: string, content: string): void {
    this.#messages.push({ role: 'tool', tool_call_id: id, content });
  }

  /** Words of ours. */
  tell(content: string): void {
    this.#messages.push({ role: 'user', content });
  }

  /**
   * Leaves out long results and arguments, the oldest first, until it fits, or until nothing is left that may be left out.
   * @returns whether something was left out
   */
  fit(maxBytes: number): boolean {
    let over = this.bytes - maxBytes;
    let isCut = false;
    for (let at = 2; over > 0 && at < this.#messages.length - freshMessages; at++) {
      const message = this.#messages[at];
      if (message === undefined) break;
      const shorter = shortened(message);
      if (shorter === message) continue;
      over -= sizeOf(message) - sizeOf(shorter);
      this.#messages[at] = shorter;
      isCut = true;
    }
    return isCut;
  }
}

function shortened(message: ChatMessage): ChatMessage {
  if (message.role === 'tool' && message.content.length > worthCutting)
    return {
      ...message,
      content: `[${message.content.length} characters are left out; call the tool again to see them]`,
    };
  if (message.role !== 'assistant' || message.tool_calls === undefined) return message;
  const isLong = message.tool_calls.some((call) => call.function.arguments.length > worthCutting);
  return isLong ? { ...message, tool_calls: message.tool_calls.map(withoutArguments) } : message;
}

function withoutArguments(call: CallMessage): CallMessage {
  const { name, arguments: given } = call.function;
  if (given.length <= worthCutting) return call;
  return {
    ...call,
    function: { name, arguments: JSON.stringify({ left_out: `${given.length} characters` }) },
  };
}

function sizeOf(message: ChatMessage): number {
  const calls = message.role === 'assistant' ? (message.tool_calls ?? []) : [];
  const text = Buffer.byteLength(message.content ?? '');
  return calls.reduce(
    (sum, { function: call }) => sum + Buffer.byteLength(call.arguments) + call.name.length + 60,
    text + 40,
  );
}
