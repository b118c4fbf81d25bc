/** Asks for values that nobody shall see on the screen. */
import type { CommandContext } from './command.ts';

const [interrupt, endOfInput, backspace, erase] = [3, 4, 8, 127];

/**
 * Makes a function that asks at the terminal and does not show what is typed. Stdin is read by it alone, and only as long as
 * somebody is asked.
 * @returns the line without its end; null when stdin ended before one came. It throws the signal's reason after Ctrl-C
 */
export function hiddenLines(context: CommandContext): (question: string) => Promise<string | null> {
  let input: AsyncIterator<Uint8Array> | null = null;
  let ahead: number[] = [];
  return async (question) => {
    // before the question is seen: who is quick, or pastes, is not seen either
    const hidden = context.stdinIsTerminal ? context.hideInput?.() : undefined;
    await context.stderr.write(question);
    input ??= context.stdin[Symbol.asyncIterator]();
    const bytes: number[] = [];
    const stopped = new Promise<never>((_resolve, reject) => {
      context.signal.addEventListener('abort', () => reject(context.signal.reason), { once: true });
    });
    // awaited only in the race
    stopped.catch(() => {});
    try {
      for (;;) {
        context.signal.throwIfAborted();
        const byte = ahead.shift();
        if (byte === undefined) {
          const more = await Promise.race([stopped, input.next()]);
          if (more.done === true) return bytes.length === 0 ? null : textOf(bytes);
          ahead = [...more.value];
        } else if (byte === 10 || byte === 13) return textOf(bytes);
        else if (hidden === undefined) bytes.push(byte);
        else if (byte === interrupt) hidden.interrupt();
        else if (byte === endOfInput) return bytes.length === 0 ? null : textOf(bytes);
        else if (byte === erase || byte === backspace) bytes.pop();
        else bytes.push(byte);
      }
    } finally {
      hidden?.giveBack();
      if (context.stdinIsTerminal) await context.stderr.write('\n');
    }
  };
}

const textOf = (bytes: readonly number[]) => Buffer.from(bytes).toString('utf8');
