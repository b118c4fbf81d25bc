import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { judge, type Scope } from '../../internal/playbook/condition/evaluate.ts';
import { parseCondition } from '../../internal/playbook/condition/parse-condition.ts';
import { playbookShape, stepShape } from '../../internal/playbook/playbook-shape.ts';
import { cli } from '../cmd/harness.ts';

const root = resolve(import.meta.dirname, '../..');
const guide = readFileSync(join(root, 'docs/playbooks.md'), 'utf8');
const blocksOf = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map((match) => match[1] ?? '');

let home = '';
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'keruta-playbooks-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** The commands of a guide in a directory, each of which has to succeed without a word on stderr. @returns what they printed */
async function follow(text: string, cwd: string): Promise<string[]> {
  const said: string[] = [];
  for (const line of blocksOf(text, 'console').flatMap((block) => block.trim().split('\n'))) {
    const words = line.replace('$ keruta ', '').split(' ');
    const { status, out, err } = await cli(words, { home, cwd, env: { PATH: process.env.PATH ?? '' } });
    expect({ line, status, err }).toEqual({ line, status: 0, err: '' });
    said.push(out);
  }
  return said;
}

describe('the guide to playbooks', () => {
  test('has files and commands, each of which succeeds in turn', async () => {
    for (const text of blocksOf(guide, 'yaml')) {
      const [, name = ''] = /^# (\S+\.yaml)\n/.exec(text) ?? [];
      expect(name).not.toBe('');
      writeFileSync(join(home, name), text);
    }
    const [valid, whole = '', unlinted, , nightly = '', , again] = await follow(guide, home);
    expect(valid).toBe('1 playbook, no faults\n');
    expect(whole).toContain('testing api\n');
    expect(whole).toContain('packing 1.2.0\n');
    expect(unlinted).toContain('Lint: skipped, since its condition is not met\n');
    expect(JSON.parse(nightly.trim().split('\n').at(-1) ?? '')).toMatchObject({
      type: 'end',
      status: 'success',
    });
    expect(again).toContain('Prepare: success');
    expect(again).toContain('in an earlier start\n');
    expect(readdirSync(join(home, '.keruta/doc')).toSorted()).toEqual(['report-api.txt', 'report-unit.txt']);
  });

  test('names every key of a playbook and of a step', () => {
    const keys = [...Object.keys(playbookShape.shape), ...Object.keys(stepShape.shape)];
    expect(keys.filter((key) => !guide.includes(`\`${key}\``) && !guide.includes(`\`${key}:`))).toEqual([]);
  });

  test('has conditions that are read', () => {
    const scope: Scope = { values: {}, matrix: {}, steps: new Map(), status: 'success', exists: () => true };
    const [, table = ''] = /## Conditions\n\n([\s\S]*?)\n\n/.exec(guide) ?? [];
    const texts = [...table.matchAll(/^\| `(.+?)` \|/gm)].map((match) =>
      (match[1] ?? '').replaceAll('\\|', '|'),
    );
    expect(texts.length).toBeGreaterThan(4);
    for (const text of texts.flatMap((one) => one.split('`, `')))
      expect(judge(parseCondition(text), scope)).toBeTypeOf('boolean');
  });
});

test('the example runs, keeps what it says, and its guide tells what it prints', async () => {
  const example = join(root, 'examples/playbook');
  const cwd = join(home, 'example');
  cpSync(example, cwd, { recursive: true });
  const readme = readFileSync(join(example, 'README.md'), 'utf8');
  const [list = '', valid, whole = '', unlinted = ''] = await follow(readme, cwd);
  expect(list).toMatch(/^ci +7 +repository +Check and pack/m);
  expect(valid).toBe('1 playbook, no faults\n');
  expect(whole).toContain('ok: two prices are added\n');
  expect(whole).toMatch(/Check and pack: success, \S+ \(7 success\)\n$/);
  for (const line of blocksOf(readme, 'text').join('').trim().split('\n')) expect(unlinted).toContain(line);
  expect(readdirSync(join(cwd, '.keruta/doc')).toSorted()).toEqual([
    'report-bash.txt',
    'report-sh.txt',
    'shop-1.2.0.tar',
  ]);
  expect(existsSync(join(cwd, 'shop-1.2.0.tar'))).toBe(false);
});
