/** The tools that a model gets. */
import { z } from 'zod';
import { cutMiddle } from '../../../pkg/lines/cut-middle.ts';
import { listFiles, maxResultBytes, patchFile, readFile, writeFile } from './file-tools.ts';
import { searchFiles } from './search-tool.ts';
import { type Tool, tool } from './tool.ts';

/** How long a command may take when the model does not say; seconds. */
const usualSeconds = 300;

const runCommand = tool({
  name: 'run_command',
  description:
    'Runs a command line with sh in the root of the repository: tests, builds, git diff. Nobody can answer questions of it, and everything that it started is ended with it.',
  shape: z.strictObject({
    command: z.string().min(1).max(20_000),
    timeout_seconds: z.number().int().min(1).max(3600).default(usualSeconds),
  }),
  subject: (args) => args.command.split('\n')[0] ?? '',
  act: async (args, { run, signal }) => {
    if (run === null) return 'refused: commands are not allowed here';
    const { exitCode, output, timedOut } = await run({
      command: args.command,
      timeoutMs: args.timeout_seconds * 1000,
      signal,
    });
    const how = timedOut
      ? `did not end within ${args.timeout_seconds} s and was ended`
      : `exit status ${exitCode}`;
    return `${how}\n${cutMiddle(output, maxResultBytes, 0.25)}`;
  },
});

const finishShape = z.strictObject({
  outcome: z.enum(['done', 'stuck']).describe('stuck: it cannot be done, and the summary says why'),
  summary: z.string().max(100_000).describe('what was changed and why, in a few sentences'),
});

/** `finish`: the loop sees it, there is nothing to do. */
export const finish = tool({
  name: 'finish',
  description:
    'Ends the work. Call it alone, when everything is done and the tests pass, or when you cannot go on.',
  shape: finishShape,
  subject: (args) => args.outcome,
  act: async () => 'ended',
});

/** What a model says when it ends. */
export type Finish = z.infer<typeof finishShape>;

/** All of them; without a runner there is no `run_command`. */
export function toolsOf(canRun: boolean): readonly Tool[] {
  const commands = canRun ? [runCommand] : [];
  return [listFiles, readFile, searchFiles, patchFile, writeFile, ...commands, finish];
}
