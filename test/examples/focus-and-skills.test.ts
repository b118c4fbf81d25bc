import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { useServer } from '../cmd/server-in-home.ts';
import { follow, readGuide } from '../docs/guide.ts';

const example = resolve(import.meta.dirname, '../../examples/focus-and-skills');
const place = useServer();

/** What the commands of a guide say in the directory of the example; none of them warns. */
async function said(guide: string): Promise<readonly string[]> {
  const { commands } = readGuide(guide);
  const results = await follow(commands, (words) => place.keruta(words, { cwd: example }));
  expect(results.map(({ err }) => err).join('')).toBe('');
  return results.map(({ out }) => out);
}

test('the example chooses two of its three skills, and its workflow can be applied and fired', async () => {
  const [all = '', chosen = '', prompt = '', ...rest] = await said('examples/focus-and-skills/README.md');
  const names = (table: string) =>
    table
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split(' ')[0]);
  expect(names(all)).toEqual(['answer-mail', 'count-shelf', 'write-report']);
  expect(names(chosen)).toEqual(['count-shelf', 'write-report']);
  expect(prompt).toContain('# Counting the shelf');
  expect(prompt).not.toContain('five sentences');
  expect(rest).toHaveLength(2);
  const told = readFileSync(join(example, 'README.md'), 'utf8');
  expect(told).toContain(`the prompt has ${prompt.split('\n').length - 1} lines`);
});

test('the commands of the guide to skills succeed in the directory of the example', async () => {
  const outs = await said('docs/skills.md');
  expect(outs).toHaveLength(4);
  expect(JSON.parse(outs[3] ?? '')).toMatchObject({ skills: ['count-shelf', 'write-report'], cut: [] });
});
