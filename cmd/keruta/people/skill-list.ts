import { command } from '../command.ts';
import { fromSetting } from '../options.ts';
import { printJson, printTable } from './print.ts';

/** `keruta skill list` */
export const skillList = command({
  name: 'skill list',
  summary: 'Lists the skills of the repository and your own, or those that a focus chooses.',
  description:
    'Skills are Markdown files with front matter: .keruta/skills/NAME.md or .keruta/skills/NAME/SKILL.md in the repository, and ' +
    '~/.keruta/skills. What cannot be read is named on stderr and passed over. Inside a task the focus of its workflow counts when ' +
    'none is given.',
  positionals: {},
  options: {
    focus: {
      kind: 'list',
      placeholder: 'FOCUS',
      doc: 'only those that are for it; more than one are alternatives; without it all',
    },
    'skills-dir': fromSetting('skillsDir'),
  },
  examples: [
    'keruta skill list',
    'keruta skill list --focus stock',
    'keruta skill list --focus stock,orders --json',
  ],
  run: async (context, values) => {
    const { chooseSkills } = await import('../../../internal/skill/choose-skills.ts');
    const { focusOf, readSkills } = await import('./read-skills.ts');
    const focus = focusOf(context, values.focus);
    const chosen = chooseSkills(await readSkills(context), focus);
    if (context.json) {
      const told = chosen.map(({ content, ...skill }) => ({
        ...skill,
        contentBytes: Buffer.byteLength(content),
      }));
      await printJson(context, told);
      return 0;
    }
    await printTable(
      context,
      [
        { title: 'NAME' },
        { title: 'FOCUS', shrinks: true },
        { title: 'FROM' },
        { title: 'DESCRIPTION', shrinks: true },
      ],
      chosen.map((skill) => [skill.name, skill.focus.join(', ') || '-', skill.source, skill.description]),
      focus.length === 0 ? 'no skills' : `no skill is for ${focus.join(', ')}`,
    );
    return 0;
  },
});
