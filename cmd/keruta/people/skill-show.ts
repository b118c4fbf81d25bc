import { NotFoundError } from '../../../internal/domain/errors.ts';
import { command } from '../command.ts';
import { fromSetting } from '../options.ts';
import { printFields, printJson } from './print.ts';

/** `keruta skill show` */
export const skillShow = command({
  name: 'skill show',
  summary: 'Shows one skill with its content.',
  positionals: { skill: { doc: 'its name' } },
  options: { 'skills-dir': fromSetting('skillsDir') },
  examples: ['keruta skill show stock-check', 'keruta skill show stock-check --json'],
  run: async (context, values) => {
    const { readSkills, shownText } = await import('./read-skills.ts');
    const skills = await readSkills(context);
    const skill = skills.find(({ name }) => name === values.skill);
    if (skill === undefined) {
      const names = skills.map(({ name }) => name).join(', ');
      throw new NotFoundError(
        'KERUTA_ERR_SKILL_NOT_FOUND',
        `There is no skill ${values.skill}; ${names === '' ? 'there are none' : `there are: ${names}`}.`,
      );
    }
    if (context.json) {
      await printJson(context, skill);
      return 0;
    }
    await printFields(context, [
      ['name', skill.name],
      ['description', skill.description],
      ['focus', skill.focus.join(', ')],
      ['labels', skill.labels.join(', ')],
      ['from', skill.source],
      ['file', skill.file],
    ]);
    if (skill.content !== '') await context.stdout.write(`\n${shownText(context, skill.content)}\n`);
    return 0;
  },
});
