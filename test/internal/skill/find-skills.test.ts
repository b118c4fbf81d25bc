import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { findSkills } from '../../../internal/skill/find-skills.ts';

let top = '';
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'skills-')));
  const place = top;
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
});

function put(path: string, text = '---\n---\n'): void {
  mkdirSync(dirname(join(top, path)), { recursive: true });
  writeFileSync(join(top, path), text);
}

async function found() {
  const { skills, faults } = await findSkills([
    { path: join(top, 'repo/skills'), within: join(top, 'repo'), source: 'repository' },
    { path: join(top, 'own'), within: null, source: 'user' },
  ]);
  const shown = (file: string) => file.slice(top.length + 1);
  return {
    skills: skills.map(({ name, file, source }) => `${name} ${source} ${shown(file)}`),
    faults: faults.map(({ file, line, message }) => `${shown(file)}:${line}: ${message}`),
  };
}

describe('skills are found', () => {
  test('as NAME.md and as NAME/SKILL.md, by name, and nothing else is', async () => {
    put('repo/skills/b.md');
    put('repo/skills/a/SKILL.md');
    put('repo/skills/a/more.md', 'not a skill');
    put('repo/skills/no-skill/notes.txt', 'x');
    put('repo/skills/README.md', 'about these skills');
    put('repo/skills/.hidden.md', 'x');
    put('repo/skills/c.txt', 'x');
    expect(await found()).toEqual({
      skills: ['a repository repo/skills/a/SKILL.md', 'b repository repo/skills/b.md'],
      faults: [],
    });
  });

  test('in both folders, where one of the repository hides the own one of its name', async () => {
    put('repo/skills/a.md');
    put('own/z.md', '---\nname: a\n---\n');
    put('own/b.md');
    expect(await found()).toEqual({
      skills: ['a repository repo/skills/a.md', 'b user own/b.md'],
      faults: [],
    });
  });

  test('nowhere when there are no folders', async () => {
    expect(await found()).toEqual({ skills: [], faults: [] });
  });

  test('once when both folders are the same', async () => {
    put('repo/skills/a.md', 'broken');
    symlinkSync(join(top, 'repo/skills'), join(top, 'own'));
    expect((await found()).faults).toHaveLength(1);
  });
});

describe('what cannot be taken is named and keeps nothing else away', () => {
  test('broken front matter, with its line', async () => {
    put('repo/skills/a.md');
    put('repo/skills/b.md', '---\nname: b\nfocus: 7\n---\n');
    expect(await found()).toEqual({
      skills: ['a repository repo/skills/a.md'],
      faults: [expect.stringMatching(/^repo\/skills\/b\.md:3: focus: expected a text/)],
    });
  });

  test('a name that comes twice in one folder', async () => {
    put('repo/skills/a.md');
    put('repo/skills/a/SKILL.md');
    const { skills, faults } = await found();
    expect(skills).toHaveLength(1);
    expect(faults).toEqual([
      expect.stringMatching(/:1: expected a name of its own, got a, which .* has too/),
    ]);
  });

  test('links out of the folder, and a folder that is a link out of the repository', async () => {
    put('outside/SKILL.md');
    put('repo/skills/a.md');
    symlinkSync(join(top, 'outside/SKILL.md'), join(top, 'repo/skills/b.md'));
    symlinkSync(join(top, 'outside'), join(top, 'repo/skills/c'));
    const first = await found();
    expect(first.skills).toEqual(['a repository repo/skills/a.md']);
    expect(first.faults).toEqual([
      'repo/skills/b.md:1: is a link out of its directory',
      'repo/skills/c/SKILL.md:1: is a link out of its directory',
    ]);
    rmSync(join(top, 'repo/skills'), { recursive: true });
    symlinkSync(join(top, 'outside'), join(top, 'repo/skills'));
    expect(await found()).toEqual({
      skills: [],
      faults: [expect.stringMatching(/^repo\/skills:1: leads out of /)],
    });
  });

  test('a file that is too large, is no text, or is not there', async () => {
    put('repo/skills/a.md', `---\n---\n${'x'.repeat(256 * 1024)}`);
    put('repo/skills/b.md', '---\n---\n\u0000');
    writeFileSync(join(top, 'repo/skills/c.md'), Buffer.from([0xff]));
    symlinkSync('nowhere', join(top, 'repo/skills/d.md'));
    expect(await found()).toEqual({
      skills: ['b repository repo/skills/b.md'],
      faults: [
        'repo/skills/a.md:1: has 262152 bytes; expected at most 262144',
        'repo/skills/c.md:1: is not UTF-8 text',
        'repo/skills/d.md:1: cannot be read (ENOENT)',
      ],
    });
  });

  test('more entries than are looked at', async () => {
    for (let index = 0; index < 1001; index += 1) put(`own/s${String(index).padStart(4, '0')}.md`);
    const { skills, faults } = await found();
    expect(skills).toHaveLength(1000);
    expect(faults).toEqual(['own:1: has 1001 entries; only the first 1000 are looked at']);
  });
});
