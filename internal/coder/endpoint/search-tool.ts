import { z } from 'zod';
import { FileRefusedError } from '../../../pkg/files/read-inside.ts';
import { cutMiddle } from '../../../pkg/lines/cut-middle.ts';
import { maxResultBytes, readText } from './file-tools.ts';
import { tool } from './tool.ts';
import { walk } from './walk.ts';

const mostMatches = 200;
const mostFiles = 20_000;
const maxLineCharacters = 300;
/** What nobody wrote by hand. */
const pass = ['node_modules', '.venv', 'vendor', 'target', 'dist', '__pycache__'];

/** `search`: plain texts only, since a pattern of a model could hold us up for as long as it likes. */
export const searchFiles = tool({
  name: 'search',
  description: `Finds lines that hold a text (no pattern). Directories that others fill (${pass.join(', ')}) are left out unless the path is in one.`,
  shape: z.strictObject({
    text: z.string().min(1).max(500),
    path: z.string().min(1).max(1000).default('.').describe('directory to search in'),
    ignore_case: z.boolean().default(false),
  }),
  subject: (args) => `${args.text.split('\n')[0]}${args.path === '.' ? '' : ` in ${args.path}`}`,
  act: async (args, { files, signal }) => {
    const fold = (text: string) => (args.ignore_case ? text.toLowerCase() : text);
    const wanted = fold(args.text);
    const found: string[] = [];
    let [looked, isCut] = [0, false];
    for await (const { name, kind } of walk(files, { from: args.path, depth: 64, signal, pass })) {
      if (kind !== 'file') continue;
      looked += 1;
      isCut = found.length >= mostMatches || looked > mostFiles;
      if (isCut) break;
      const text = await readText(files, name).catch((error: unknown) => {
        // no text, too large, gone
        if (error instanceof FileRefusedError) return '';
        throw error;
      });
      if (!fold(text).includes(wanted)) continue;
      for (const [index, line] of text.split('\n').entries())
        if (fold(line).includes(wanted) && found.length < mostMatches)
          found.push(`${name}:${index + 1}: ${line.slice(0, maxLineCharacters)}`);
    }
    if (found.length === 0) return isCut ? `nothing in the first ${mostFiles} files` : 'nothing found';
    const note = isCut || found.length >= mostMatches ? '\n(there may be more: search in a directory)' : '';
    return cutMiddle(found.join('\n'), maxResultBytes, 1) + note;
  },
});
