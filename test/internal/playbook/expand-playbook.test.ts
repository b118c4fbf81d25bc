import { describe, expect, test } from 'vitest';
import { InputError, NotFoundError } from '../../../internal/domain/errors.ts';
import { expandPlaybook } from '../../../internal/playbook/expand-playbook.ts';
import { parsePlaybook } from '../../../internal/playbook/parse-playbook.ts';

type Files = Readonly<Record<string, string>>;

function expand(files: Files, parameters: Readonly<Record<string, unknown>> = {}) {
  const [first = ''] = Object.keys(files);
  return expandPlaybook(parsePlaybook(files[first] ?? '', { file: first }), {
    parameters,
    load: async (path, from) => {
      const file = new URL(path, `file:///${from}`).pathname.slice(1);
      const text = files[file];
      if (text === undefined) throw new NotFoundError('KERUTA_ERR_FILE_NOT_FOUND', `there is no ${file}`);
      return { file, text };
    },
  });
}

const namesOf = async (files: Files) => (await expand(files)).steps.map(({ name }) => name);
const step = (name: string, more = '') => `  - { name: ${name}, command: "true"${more} }\n`;
const place = (text: string) => `\${{ ${text} }}`;

/** What is said about files that are refused. */
async function faultsOf(files: Files): Promise<string[]> {
  try {
    await expand(files);
  } catch (error) {
    if (error instanceof InputError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('the steps of a playbook', () => {
  test('stand in the order in which they run, with those of includes in their places', async () => {
    expect(
      await namesOf({
        'ci.yaml': `includes: [lib/first.yaml]\nsteps:\n${step('a')}  - include: lib/mid.yaml\n${step('z')}`,
        'lib/first.yaml': `steps:\n${step('first')}`,
        'lib/mid.yaml': `steps:\n  - include: ../deep.yaml\n${step('mid')}`,
        'deep.yaml': `steps:\n${step('deep')}`,
      }),
    ).toEqual(['first', 'a', 'deep', 'mid', 'z']);
  });

  test('are one for each combination of a matrix, the first name changing last', async () => {
    const { steps } = await expand({
      'a.yaml': `steps:\n${step('test', ', matrix: { node: [18, 20], os: [linux, mac] }')}${step('end')}`,
    });
    expect(steps.map(({ index, name, baseName, matrix }) => ({ index, name, baseName, matrix }))).toEqual([
      { index: 0, name: 'test (node=18, os=linux)', baseName: 'test', matrix: { node: 18, os: 'linux' } },
      { index: 1, name: 'test (node=18, os=mac)', baseName: 'test', matrix: { node: 18, os: 'mac' } },
      { index: 2, name: 'test (node=20, os=linux)', baseName: 'test', matrix: { node: 20, os: 'linux' } },
      { index: 3, name: 'test (node=20, os=mac)', baseName: 'test', matrix: { node: 20, os: 'mac' } },
      { index: 4, name: 'end', baseName: 'end', matrix: {} },
    ]);
  });

  test('have parameters as they were given, then as the outermost playbook says', async () => {
    const files = {
      'a.yaml': `parameters: { x: 1, y: 1 }\nsteps:\n  - include: b.yaml\n`,
      'b.yaml': `parameters: { y: 2, z: 2 }\nsteps:\n${step('b')}`,
    };
    const { parameters, declared } = await expand(files, { x: 'given', other: true });
    expect(parameters).toEqual({ x: 'given', y: 1, z: 2, other: true });
    expect(declared.toSorted()).toEqual(['x', 'y', 'z']);
  });

  test('of two files that include the same third one have its steps twice', async () => {
    expect(
      await namesOf({
        'a.yaml': 'includes: [b.yaml, c.yaml]',
        'b.yaml': 'includes: [d.yaml]',
        'c.yaml': 'includes: [d.yaml]',
        'd.yaml': `steps:\n${step('d')}`,
      }),
    ).toEqual(['d', 'd']);
  });
});

describe('includes', () => {
  test('that go in a circle are named in their order', async () => {
    expect(
      await faultsOf({
        'a.yaml': `steps:\n${step('a')}  - include: x/b.yaml\n`,
        'x/b.yaml': 'steps:\n  - include: ../c.yaml',
        'c.yaml': 'steps:\n  - include: ./x/b.yaml',
      }),
    ).toEqual(['c.yaml:2: steps[0].include: a file may not include itself: x/b.yaml → c.yaml → x/b.yaml']);
  });

  test('of a file itself are a circle too', async () => {
    expect(await faultsOf({ 'a.yaml': 'includes: [a.yaml]' })).toEqual([
      'a.yaml:1: includes[0]: a file may not include itself: a.yaml → a.yaml',
    ]);
  });

  test('that are not there, or have faults, are all told with their own files and lines', async () => {
    expect(
      await faultsOf({
        'a.yaml': 'steps:\n  - include: none.yaml\n  - include: bad.yaml\n',
        'bad.yaml': 'steps:\n  - name: a\n    command: b\n    condition: (\n',
      }),
    ).toEqual([
      'a.yaml:2: steps[0].include: there is no none.yaml',
      expect.stringMatching(/^bad\.yaml:4: steps\[0\]\.condition: /),
    ]);
  });

  test('that multiply themselves come to an end', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 15 }, (_, n) => [`${n}.yaml`, `includes: [${n + 1}.yaml, ${n + 1}.yaml]`]),
    );
    const faults = await faultsOf({ ...files, '15.yaml': `steps:\n${step('a')}` });
    expect(faults).toEqual([expect.stringContaining('expected at most 200 includes in all')]);
  });

  test('that lie too deep in each other are refused', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 30 }, (_, n) => [`${n}.yaml`, `includes: [${n + 1}.yaml]`]),
    );
    expect((await faultsOf(files)).join()).toContain('expected at most 20 files in each other');
  });

  test('and copies count as steps', async () => {
    const values = JSON.stringify(Array.from({ length: 600 }, (_, n) => n));
    const file = `steps:\n${step('a', `, matrix: { n: ${values} }`)}`;
    expect(await faultsOf({ 'a.yaml': `${file}  - include: b.yaml\n`, 'b.yaml': file })).toEqual([
      'a.yaml:1: steps: expected at most 1000 steps with includes and copies, got 1200',
    ]);
  });
});

describe('a name that leads nowhere', () => {
  test.each([
    [
      `condition: status(biuld_it) == "success"`,
      'no step before this one is called biuld_it; did you mean Build it?',
    ],
    [
      'condition: steps.build_it.verison == 1',
      'the step Build it has no output verison; did you mean version?',
    ],
    [
      'condition: steps.later.x == 1',
      'no step before this one is called later; expected one of Build it, open',
    ],
    ['condition: exists(steps.nobody.x)', 'no step before this one is called nobody'],
    ['condition: steps.build_it', 'expected steps.STEP.OUTPUT'],
    [
      'condition: matrix.noed == 1',
      "expected matrix.NAME with a name of this step's matrix; did you mean node?",
    ],
    [`env: { A: "${place('matrix.x')}" }`, 'expected matrix.NAME'],
    [`workdir: "${place('steps.gone.x')}"`, 'no step before this one is called gone'],
    [`artifacts: "${place('steps.gone.x')}"`, 'no step before this one is called gone'],
  ])('%s is refused before anything runs', async (line, message) => {
    const faults = await faultsOf({
      'a.yaml': `steps:\n${step('Build it', ', outputs: [version]')}${step('open')}  - name: x\n    command: x\n    matrix: { node: [1] }\n    ${line}\n${step('later')}`,
    });
    expect(faults).toEqual([expect.stringContaining(message)]);
    expect(faults[0]).toMatch(/^a\.yaml:7: steps\[2\]\.(condition|env|workdir|artifacts): /);
  });

  test('is none when the step before says nothing of its outputs, or comes from another file', async () => {
    const line = 'condition: steps.open.anything == 1 and status("Build it") == "success"';
    expect(
      await faultsOf({
        'a.yaml': `includes: [b.yaml]\nsteps:\n${step('open')}  - name: x\n    command: x\n    ${line}\n`,
        'b.yaml': `steps:\n${step('Build it')}`,
      }),
    ).toEqual([]);
  });
});
