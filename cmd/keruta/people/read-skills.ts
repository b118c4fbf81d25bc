/** The skills that commands work with: those of the repository that one stands in, and the user's own. */
import { join } from 'node:path';
import type { FoundSkill } from '../../../internal/skill/find-skills.ts';
import { visible } from '../../../pkg/terminal/text.ts';
import type { CommandContext } from '../command.ts';
import { placeWith } from './repository-place.ts';

/** Where skills of a repository are. */
const repositoryPlace = join('.keruta', 'skills');

/**
 * Reads all skills, and says on stderr what was passed over. One of the repository hides the user's own of the same name.
 * @returns by name
 */
export async function readSkills(context: CommandContext): Promise<readonly FoundSkill[]> {
  const { findSkills } = await import('../../../internal/skill/find-skills.ts');
  const { values } = await context.settings();
  const top = placeWith(context.cwd, repositoryPlace);
  const own = values.skillsDir ?? (context.home === '' ? null : join(context.home, repositoryPlace));
  const { skills, faults } = await findSkills([
    { path: join(top, repositoryPlace), within: top, source: 'repository' },
    ...(own === null ? [] : [{ path: own, within: null, source: 'user' }]),
  ]);
  const told = faults.map(
    ({ file, line, message }) => `skipped: ${visible(`${file}:${line}: ${message}`)}\n`,
  );
  await context.stderr.write(told.join(''));
  return skills;
}

/** What `--focus` says, each at commas too; without it what the workflow of the task says, inside of one. */
export function focusOf(context: CommandContext, asked: readonly string[] | undefined): readonly string[] {
  const texts = asked ?? [context.env.KERUTA_FOCUS ?? ''];
  return texts
    .flatMap((text) => text.split(','))
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

/** Text for stdout: on a terminal control characters become visible, elsewhere it is as it is. */
export function shownText(context: CommandContext, text: string): string {
  return context.stdout.isTerminal ? text.split('\n').map(visible).join('\n') : text;
}
