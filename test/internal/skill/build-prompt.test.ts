import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildPrompt, leastPromptBytes } from '../../../internal/skill/build-prompt.ts';
import { chooseSkills } from '../../../internal/skill/choose-skills.ts';
import type { Skill } from '../../../internal/skill/skill.ts';

const skill = (name: string, more: Partial<Skill> = {}): Skill => ({
  ...{ name, description: `does ${name}`, focus: [], labels: [], content: `# ${name}` },
  ...more,
});
const [a, b, c] = [skill('a', { focus: ['stock'] }), skill('b', { focus: ['orders', 'Stock'] }), skill('c')];

describe('skills are chosen', () => {
  test.each([
    [[], ['a', 'b', 'c']],
    [['stock'], ['a', 'b']],
    [['ORDERS'], ['b']],
    [
      ['orders', 'stock'],
      ['a', 'b'],
    ],
    [['nothing'], []],
  ])('by %j: %j, in the order of their names', (focus, names) => {
    expect(chooseSkills([c, b, a], focus).map(({ name }) => name)).toEqual(names);
  });
});

describe('a prompt', () => {
  test('has the focus, all names with their descriptions, and then the contents', () => {
    const { text, cut, skills } = buildPrompt({
      skills: [b, c, a],
      focus: ['stock'],
      maxBytes: leastPromptBytes,
    });
    expect(text).toBe('# Skills\n\nFocus: stock\n\n- a: does a\n- b: does b\n\n## a\n\n# a\n\n## b\n\n# b\n');
    expect([skills, cut]).toEqual([['a', 'b'], []]);
  });

  test('says so when nothing is chosen', () => {
    const build = (focus: string[]) => buildPrompt({ skills: [], focus, maxBytes: leastPromptBytes }).text;
    expect(build([])).toBe('# Skills\n\nThere are no skills.\n');
    expect(build(['x'])).toBe('# Skills\n\nFocus: x\n\nNo skill is for this focus.\n');
  });

  test('cuts a content at a line, says so there and at its end, and goes on with what has room', () => {
    const long = skill('b', { content: 'eleven byte\n'.repeat(1000).trimEnd() });
    const { text, cut } = buildPrompt({ skills: [a, long, c], focus: [], maxBytes: leastPromptBytes });
    const [only] = cut;
    expect(cut).toEqual([{ name: 'b', keptBytes: expect.any(Number), contentBytes: 11_999, isListed: true }]);
    expect(((only?.keptBytes ?? 0) + 1) % 12).toBe(0);
    expect(text).toContain(
      `eleven byte\n[cut here: ${11_999 - (only?.keptBytes ?? 0)} of 11999 bytes are left out]\n`,
    );
    expect(text).toMatch(/\n\[for want of room \(4096 bytes\) skills are missing: 1 cut short\]\n$/);
  });

  test('cuts no character in two', () => {
    const long = skill('b', { content: '在庫'.repeat(5000) });
    for (let maxBytes = 5000; maxBytes < 5004; maxBytes += 1) {
      const { text } = buildPrompt({ skills: [long], focus: [], maxBytes });
      expect(text).not.toContain('\uFFFD');
      expect(text).toMatch(/[在庫]\n\[cut here/);
    }
  });

  test('names as many as have room when there are too many for their names alone', () => {
    const many = Array.from({ length: 500 }, (_, index) => skill(`s${String(index).padStart(3, '0')}`));
    const { text, cut } = buildPrompt({ skills: many, focus: [], maxBytes: leastPromptBytes });
    expect(text).toContain('- s000: does s000\n');
    const unnamed = cut.filter(({ isListed }) => !isListed);
    expect(unnamed.length).toBeGreaterThan(100);
    expect(text).toContain(`${unnamed.length} not named at all]`);
  });
});

const anySkill = fc.record({
  name: fc.stringMatching(/^[A-Za-zé在][A-Za-z0-9-]{0,99}$/),
  description: fc.string({ maxLength: 200, unit: 'grapheme' }),
  focus: fc.subarray(['stock', 'orders', 'Reports']),
  labels: fc.constant([]),
  content: fc
    .tuple(fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }), fc.integer({ min: 0, max: 400 }))
    .map(([piece, times]) => piece.repeat(times)),
});
const anySkills = fc.uniqueArray(anySkill, { selector: ({ name }) => name, maxLength: 30 });

describe('for any skills', () => {
  test('a prompt keeps its budget, tells exactly what is missing, and does not depend on the order', () => {
    fc.assert(
      fc.property(
        anySkills,
        fc.subarray(['stock', 'orders', 'REPORTS', 'other']),
        fc.integer({ min: leastPromptBytes, max: 100_000 }),
        (skills, focus, maxBytes) => {
          const prompt = buildPrompt({ skills, focus, maxBytes });
          expect(Buffer.byteLength(prompt.text)).toBeLessThanOrEqual(maxBytes);
          expect(buildPrompt({ skills: skills.toReversed(), focus, maxBytes })).toEqual(prompt);
          const chosen = chooseSkills(skills, focus);
          expect(prompt.skills).toEqual(chosen.map(({ name }) => name));
          expect(prompt.text.includes('for want of room')).toBe(prompt.cut.length > 0);
          for (const { name, description, content } of chosen) {
            const cut = prompt.cut.find((one) => one.name === name);
            const isWhole = content === '' || prompt.text.includes(`\n## ${name}\n\n${content}\n`);
            if (cut === undefined) expect(isWhole).toBe(true);
            if (cut?.isListed !== false) expect(prompt.text).toContain(`- ${name}${description && ': '}`);
            if (cut === undefined || cut.keptBytes === 0) continue;
            const kept = Buffer.from(content).toString('utf8', 0, cut.keptBytes);
            expect(prompt.text).toContain(`\n## ${name}\n\n${kept}\n[cut here: `);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
