import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { parseSkill } from '../../../internal/skill/parse-skill.ts';

const parse = (text: string) => parseSkill({ file: 'a.md', defaultName: 'a', text });
const faultsOf = (text: string) => parse(text).faults?.map(({ line, message }) => `${line}: ${message}`);

describe('a skill', () => {
  test('has what its front matter says, and its content without blank lines around it', () => {
    const text =
      '---\nname: stock-check\ndescription: |\n  Counts\n  the shelf\nfocus: [Stock, orders]\nlabels: daily\nlicense: MIT\n---\n\n\n# How\n\ncount\n\n';
    expect(parse(text).skill).toEqual({
      name: 'stock-check',
      description: 'Counts the shelf',
      focus: ['Stock', 'orders'],
      labels: ['daily'],
      content: '# How\n\ncount',
    });
  });

  test.each([
    ['nothing at all', '---\n---\n'],
    ['nulls', '---\nname:\ndescription: ~\nfocus:\nlabels:\n---'],
    ['a mark of byte order and the line ends of Windows', '\uFEFF---\r\nfocus: []\r\n---\r\n'],
  ])('with %s has the name of its file and no focus', (_what, text) => {
    expect(parse(text).skill).toEqual({ name: 'a', description: '', focus: [], labels: [], content: '' });
  });

  test('keeps a rule of dashes in its content', () => {
    expect(parse('---\nname: b\n---\none\n\n---\n\ntwo\n').skill?.content).toBe('one\n\n---\n\ntwo');
  });

  test.each([
    ['stock', ['stock']],
    ['[stock, orders]', ['stock', 'orders']],
    ['" stock "', ['stock']],
    ['在庫', ['在庫']],
    ['[]', []],
  ])('with the focus %s is for %j', (focus, expected) => {
    expect(parse(`---\nfocus: ${focus}\n---\n`).skill?.focus).toEqual(expected);
  });
});

describe('broken front matter', () => {
  test.each([
    ['', '1: expected front matter'],
    ['# Title\n', '1: expected front matter'],
    ['----\nname: a\n----\n', '1: expected front matter'],
    ['---\nname: a\n', '1: expected a second line ---'],
    [`---\nname: a\n${'# x\n'.repeat(5000)}---\n`, '1: expected a second line ---'],
    ['---\nname: a\nfocus: [a\n---\n', '4: '],
    ['---\nname: a\nname: b\n---\n', '3: '],
    ['---\n- a\n---\n', '2: expected keys and values'],
    ['---\njust words\n---\n', '2: expected keys and values'],
    ['---\na: &a [1]\nb: *a\n---\n', '2: expected keys and values'],
    ['---\ndescription: x\nname: a b\n---\n', '3: name: expected letters'],
    ['---\nname: ../../etc\n---\n', '2: name: expected letters'],
    ['---\n\ndescription: [x]\n---\n', '3: description: expected a text'],
    ['---\nfocus:\n  - a\n  - 7\n---\n', '4: focus.1: expected 1 to 100 characters'],
    ['---\nfocus: {a: b}\n---\n', '2: focus: expected a text or a list'],
    ['---\nfocus: "a,b"\n---\n', '2: focus.0: expected 1 to 100 characters'],
    ['---\nlabels: 7\n---\n', '2: labels: expected a text or a list'],
  ])('of %j is named with its line', (text, expected) => {
    expect(faultsOf(text)?.[0]).toMatch(new RegExp(`^${expected.replace(/[[\]]/g, '\\$&')}`));
  });

  test('is told of every field at once', () => {
    expect(faultsOf('---\nname: "?"\nfocus: 1\nlabels: 2\n---\n')).toEqual([
      expect.stringMatching(/^2: name/),
      expect.stringMatching(/^3: focus/),
      expect.stringMatching(/^4: labels/),
    ]);
  });

  test('includes a name of a file that is no name', () => {
    const { faults } = parseSkill({ file: '-x.md', defaultName: '-x', text: '---\n---\n' });
    expect(faults).toEqual([{ file: '-x.md', line: 1, message: expect.stringMatching(/^name: expected/) }]);
  });
});

const word = fc.stringMatching(/^[A-Za-zé在][A-Za-z0-9._-]{0,20}$/);
const focus = fc.stringMatching(/^[A-Za-zé在][A-Za-z0-9 /:#'"&*-]{0,20}[a-z]$/);
const frontMatter = fc.record(
  {
    name: word,
    description: fc.string({ maxLength: 80, unit: 'grapheme' }),
    focus: fc.oneof(focus, fc.array(focus, { maxLength: 5 })),
    labels: fc.oneof(word, fc.array(word, { maxLength: 5 })),
  },
  { requiredKeys: [] },
);
const content = fc
  .array(fc.oneof(fc.constantFrom('', '---', '# a', '```'), fc.string({ maxLength: 30, unit: 'grapheme' })))
  .map((lines) => lines.join('\n').replace(/\r/g, ''));
const asList = (value: string | readonly string[] | undefined) =>
  typeof value === 'string' ? [value] : (value ?? []);

describe('for any text', () => {
  test('what is written as YAML is read as the same', () => {
    fc.assert(
      fc.property(frontMatter, content, (front, body) => {
        const { skill } = parse(`---\n${stringify(front)}---\n${body}`);
        expect(skill).toEqual({
          name: front.name ?? 'a',
          description: (front.description ?? '').replace(/\s+/g, ' ').trim(),
          focus: asList(front.focus),
          labels: asList(front.labels),
          content: body.replace(/^(?:[^\S\n]*\n)+/, '').trimEnd(),
        });
      }),
      { numRuns: 300 },
    );
  });

  test('there is a skill or faults on lines that are there, never an exception', () => {
    const line = fc.oneof(
      fc.constantFrom(
        '---',
        '---',
        'name: a',
        'focus: [',
        'focus:',
        '  - b',
        '&a',
        '*a',
        '!!binary x',
        '? a',
        '<<: *a',
        '%YAML 1.2',
      ),
      fc.string({ maxLength: 20, unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const text = lines.join('\n');
        const { skill, faults } = parse(text);
        expect(skill === undefined).toBe((faults?.length ?? 0) > 0);
        for (const fault of faults ?? []) {
          expect(fault.line).toBeGreaterThanOrEqual(1);
          expect(fault.line).toBeLessThanOrEqual(text.split(/\r\n?|\n/).length + 1);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
