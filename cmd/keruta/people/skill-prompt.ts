import { InputError } from '../../../internal/domain/errors.ts';
import { command } from '../command.ts';
import { fromSetting } from '../options.ts';
import { printJson } from './print.ts';

/** `keruta skill prompt` */
export const skillPrompt = command({
  name: 'skill prompt',
  summary: 'Prints the part of a prompt that tells an agent of the skills which a focus chooses.',
  description:
    'First all names with their descriptions, then the contents, ordered by name. What has no room is cut from the end; the prompt ' +
    'says so, and stderr says which. Inside a task the focus of its workflow counts when none is given.',
  positionals: {},
  options: {
    focus: {
      kind: 'list',
      placeholder: 'FOCUS',
      doc: 'only skills that are for it; more than one are alternatives; without it all',
    },
    'max-bytes': { kind: 'size', doc: 'most that the prompt may have, at least 4 KiB', default: 64 * 1024 },
    'skills-dir': fromSetting('skillsDir'),
  },
  examples: [
    'keruta skill prompt --focus stock',
    'keruta skill prompt --focus stock --max-bytes 16KB --json',
  ],
  run: async (context, values) => {
    const { buildPrompt, leastPromptBytes } = await import('../../../internal/skill/build-prompt.ts');
    const { focusOf, readSkills, shownText } = await import('./read-skills.ts');
    const maxBytes = values['max-bytes'];
    if (maxBytes < leastPromptBytes)
      throw new InputError(
        'KERUTA_ERR_BAD_VALUE',
        `--max-bytes: expected at least ${leastPromptBytes} bytes, got ${maxBytes}`,
      );
    const focus = focusOf(context, values.focus);
    const { text, skills, cut } = buildPrompt({ skills: await readSkills(context), focus, maxBytes });
    if (context.json) {
      await printJson(context, {
        prompt: text,
        bytes: Buffer.byteLength(text),
        maxBytes,
        focus,
        skills,
        cut,
      });
      return 0;
    }
    await context.stdout.write(shownText(context, text));
    const told = cut.map(
      (one) => `cut: ${one.name}: ${one.keptBytes} of ${one.contentBytes} bytes are in the prompt\n`,
    );
    await context.stderr.write(told.join(''));
    return 0;
  },
});
