import type { CommandContext } from './command.ts';

/**
 * Asks the person at the terminal; where there is none, nobody says yes.
 * @param question  without its mark: ` [y/N] ` is put behind it
 * @throws the signal's reason when the person presses Ctrl-C
 */
export async function isConfirmed(context: CommandContext, question: string): Promise<boolean> {
  if (!context.stdinIsTerminal) return false;
  await context.stderr.write(`${question} [y/N] `);
  return /^\s*y(es)?\s*$/i.test(await firstLine(context));
}

/** The next line of stdin, without its end. @throws the signal's reason */
async function firstLine({ stdin, signal }: CommandContext): Promise<string> {
  signal.throwIfAborted();
  const stopped = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([stopped, read(stdin)]);
}

async function read(stdin: CommandContext['stdin']): Promise<string> {
  let line = '';
  for await (const chunk of stdin) {
    line += Buffer.from(chunk).toString('utf8');
    if (line.includes('\n')) break;
  }
  return line.split('\n')[0] ?? '';
}
