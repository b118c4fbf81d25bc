/** What both doors (the sources and the built executable) share: the process, handed in as values. */
import { type EntryParts, enter } from './entry.ts';
import { homeOfUser } from './home.ts';

/** Runs this process's command line and ends it. @param runLarge loads the whole command line and runs it */
export async function runProcess(runLarge: EntryParts['runLarge']): Promise<void> {
  const stop = new AbortController();
  const status = await enter({
    argv: process.argv.slice(2),
    env: process.env,
    home: homeOfUser(process.env),
    upMs: () => process.uptime() * 1000,
    signal: stop.signal,
    writeOut: (text) => process.stdout.write(text),
    writeErr: (text) => process.stderr.write(text),
    readInput: async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString('utf8');
    },
    runLarge,
  });
  process.exit(status);
}
