import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { cli, temporaryDirectory } from '../harness.ts';

let home = '';
let repository = '';
beforeEach(() => {
  home = temporaryDirectory();
  repository = join(home, 'work/repository');
  mkdirSync(join(repository, '.git'), { recursive: true });
  put(
    join(repository, '.keruta/skills/count.md'),
    'description: Counts the shelf\nfocus: Stock',
    'Count it.',
  );
  put(join(repository, '.keruta/skills/send/SKILL.md'), 'focus: [orders, stock]\nlabels: [mail]', 'Send it.');
  put(join(home, '.keruta/skills/rest.md'), 'description: Rests', 'Rest.');
});

function put(file: string, frontMatter: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `---\n${frontMatter}\n---\n\n${content}\n`);
}

const skill = (...words: string[]) => cli(['skill', ...words], { home, cwd: repository });
const names = async (...words: string[]) =>
  JSON.parse((await skill('list', '--json', ...words)).out).map(({ name }: { name: string }) => name);

describe('keruta skill list', () => {
  test('without a focus lists all skills, with one those that are for it, in any case', async () => {
    expect(await names()).toEqual(['count', 'rest', 'send']);
    expect(await names('--focus', 'stock')).toEqual(['count', 'send']);
    expect(await names('--focus', 'ORDERS')).toEqual(['send']);
    expect(await names('--focus', 'orders,Stock')).toEqual(['count', 'send']);
    expect((await skill('list', '--focus', 'stock')).out).toMatch(
      /^NAME +FOCUS +FROM +DESCRIPTION\ncount +Stock +repository +Counts the shelf\nsend +orders, stock +repository\n$/,
    );
    expect(await skill('list', '--focus', 'war')).toEqual({
      status: 0,
      out: '',
      err: 'no skill is for war\n',
    });
  });

  test('finds the skills of the repository from any directory in it', async () => {
    mkdirSync(join(repository, 'src/deep'), { recursive: true });
    const { out } = await cli(['skill', 'list'], { home, cwd: join(repository, 'src/deep') });
    expect(out).toContain('count');
  });

  test('takes the focus of the workflow inside a task, unless one is given', async () => {
    const inside = (...words: string[]) =>
      cli(['skill', 'list', ...words], { home, cwd: repository, env: { KERUTA_FOCUS: 'orders,nothing' } });
    expect((await inside()).out).not.toContain('count');
    expect((await inside('--focus', 'stock')).out).toContain('count');
  });

  test('reads the folder that the settings name instead of the own one', async () => {
    const other = temporaryDirectory();
    put(join(other, 'walk.md'), 'name: walk', 'Walk.');
    expect(await names('--skills-dir', other)).toEqual(['count', 'send', 'walk']);
    const { out } = await cli(['skill', 'list', '--json'], {
      home,
      cwd: repository,
      env: { KERUTA_SKILLS_DIR: other },
    });
    expect(out).toContain('walk');
  });

  test('names what is broken on stderr and lists the rest', async () => {
    put(join(repository, '.keruta/skills/bad.md'), 'name: bad\nfocus: 7', 'x');
    symlinkSync('/etc/passwd', join(repository, '.keruta/skills/out.md'));
    const { status, err } = await skill('list', '--json');
    expect(status).toBe(0);
    expect(err).toMatch(
      /^skipped: .*bad\.md:3: focus: expected .*\nskipped: .*out\.md:1: is a link out of .*\n$/,
    );
    expect(await names()).toEqual(['count', 'rest', 'send']);
  });
});

describe('keruta skill show', () => {
  test('shows fields and content', async () => {
    const { out } = await skill('show', 'send');
    expect(out).toMatch(
      /^name +send\nfocus +orders, stock\nlabels +mail\nfrom +repository\nfile .*SKILL\.md\n\nSend it\.\n$/,
    );
    expect(JSON.parse((await skill('show', 'rest', '--json')).out)).toMatchObject({
      ...{ name: 'rest', content: 'Rest.', source: 'user' },
    });
  });

  test('of an unknown name tells the known ones', async () => {
    expect(await skill('show', 'sned')).toMatchObject({
      status: 4,
      err: expect.stringContaining('There is no skill sned; there are: count, rest, send.'),
    });
  });

  test('lets no content steer the terminal', async () => {
    put(join(repository, '.keruta/skills/evil.md'), 'name: evil', 'a\u001b[2Jb');
    const { out } = await cli(['skill', 'show', 'evil'], { home, cwd: repository, isTerminal: true });
    expect(out).toContain('a\\x1b[2Jb');
  });
});

describe('keruta skill prompt', () => {
  test('prints names, descriptions and contents of the skills that are for the focus', async () => {
    expect(await skill('prompt', '--focus', 'stock')).toEqual({
      status: 0,
      out: '# Skills\n\nFocus: stock\n\n- count: Counts the shelf\n- send\n\n## count\n\nCount it.\n\n## send\n\nSend it.\n',
      err: '',
    });
  });

  test('keeps its size, and says what was cut', async () => {
    put(join(repository, '.keruta/skills/long.md'), 'focus: long', 'word '.repeat(2000));
    const { out, err } = await skill('prompt', '--focus', 'long', '--max-bytes', '4KB');
    expect(Buffer.byteLength(out)).toBeLessThanOrEqual(4096);
    expect(err).toMatch(/^cut: long: \d+ of 9999 bytes are in the prompt\n$/);
    const told = JSON.parse((await skill('prompt', '--focus', 'long', '--max-bytes', '4KB', '--json')).out);
    expect(told).toMatchObject({
      prompt: out,
      bytes: Buffer.byteLength(out),
      maxBytes: 4096,
      skills: ['long'],
    });
    expect(told.cut).toHaveLength(1);
  });

  test('refuses a size that has no room', async () => {
    expect(await skill('prompt', '--max-bytes', '10')).toMatchObject({
      status: 2,
      err: expect.stringContaining('--max-bytes: expected at least 4096 bytes, got 10'),
    });
  });
});
