import { command } from '../command.ts';

/** Exit status of a person who said no. */
const refused = 1;

/** `keruta undo` */
export const undo = command({
  name: 'undo',
  summary: 'Brings the workspace back to what it was before a task.',
  description:
    'Say it on the machine where the task ran; no server is asked. Commit, branch, changed and new files of the checkout are as the task ' +
    'found them; what is there now is kept in a ref first, whose name is printed. Ignored files stay, and so does everything that was ' +
    'pushed. Of an agent task, which works in a slot, the slot is given back and its commit set aside. It is shown what will change, and ' +
    'asked; without a terminal it takes --yes. Twice is once.',
  positionals: { task: { doc: 'id, or at least 4 characters of its beginning' } },
  options: {
    in: { kind: 'path', placeholder: 'DIR', doc: 'the checkout in which it ran (default: it is looked for)' },
    yes: { kind: 'bool', short: 'y', default: false, doc: 'do not ask' },
    'dry-run': { kind: 'bool', default: false, doc: 'show what would change, and change nothing' },
  },
  examples: [
    'keruta undo 3f2a',
    'keruta undo 3f2a --dry-run',
    'keruta undo 3f2a --in ~/keruta/site --yes --json',
  ],
  exits: { [refused]: 'the person said no; nothing was changed' },
  run: async (context, values) => {
    const { undoHere } = await import('./undo-here.ts');
    const wish = { task: values.task, only: values.in ?? null, isSure: values.yes, isDry: values['dry-run'] };
    return (await undoHere(context, wish)) ? 0 : refused;
  },
});
