import { describe, expect, test } from 'vitest';
import { InputError } from '../../../internal/domain/errors.ts';
import { parsePlaybook } from '../../../internal/playbook/parse-playbook.ts';
import type { StepDefinition } from '../../../internal/playbook/playbook.ts';

const read = (text: string) => parsePlaybook(text, { file: 'ci.yaml' });
const stepsOf = (text: string) => read(text).parts as StepDefinition[];
const place = (text: string) => `\${{ ${text} }}`;

/** What is said about a text that is refused. */
function faultsOf(text: string): string[] {
  try {
    read(text);
  } catch (error) {
    if (error instanceof InputError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('a playbook', () => {
  test('of the older program is read as it is', () => {
    const { name, parts } = read(`
name: Backend Task Playbook
steps:
  - name: Install dependencies
    command: npm install
    timeout_seconds: 300
    retry_count: 2

  - name: Run linter
    command: npm run lint
    condition: lint_enabled == true
    fail_fast: false

  - name: Run unit tests
    command: npm test
    timeout_seconds: 600
    fail_fast: true
`);
    expect(name).toBe('Backend Task Playbook');
    expect(parts).toMatchObject([
      {
        name: 'Install dependencies',
        command: 'npm install',
        timeoutMs: 300_000,
        retryCount: 2,
        failFast: true,
      },
      { name: 'Run linter', condition: { kind: 'compare', sign: '==' }, failFast: false, retryCount: 0 },
      { name: 'Run unit tests', timeoutMs: 600_000, failFast: true, condition: null },
    ]);
  });

  test('has defaults for whatever is left out, and its own name is that of its file', () => {
    const playbook = read('steps: [{ name: a, command: "true" }]');
    expect(playbook).toMatchObject({ name: 'ci', description: '', parameters: {} });
    expect(playbook.parts).toEqual([
      {
        kind: 'step',
        name: 'a',
        command: 'true',
        shell: null,
        timeoutMs: null,
        retryCount: 0,
        condition: null,
        failFast: true,
        continueOnError: false,
        always: false,
        env: {},
        workdir: null,
        outputs: null,
        artifacts: [],
        matrix: null,
        file: 'ci.yaml',
        field: 'steps[0]',
        lines: { '': 1, name: 1, command: 1 },
      },
    ]);
  });

  test('takes every key of a step', () => {
    const [step] = stepsOf(`
shell: sh
env: { A: 1, B: two }
parameters: { lint: false }
steps:
  - name: all
    command: |
      make
      make test
    timeout_seconds: 0.5
    retry_count: 100
    condition: not lint
    fail_fast: false
    continue_on_error: true
    always: true
    env: { B: three, C: "${place('matrix.node')}" }
    workdir: packages/${place('matrix.node')}
    shell: bash -x -c
    outputs: [version]
    artifacts: [out/**, "*.log"]
    matrix: { node: [18, 20], fast: [true] }
`);
    expect(step).toMatchObject({
      timeoutMs: 500,
      condition: { kind: 'not' },
      shell: ['bash', '-x', '-c'],
      env: { A: ['1'], B: ['three'], C: ['', { kind: 'path' }, ''] },
      workdir: ['packages/', { kind: 'path', path: ['matrix', 'node'] }, ''],
      outputs: ['version'],
      artifacts: [['out/**'], ['*.log']],
      matrix: { node: [18, 20], fast: [true] },
      always: true,
      continueOnError: true,
    });
  });

  test.each([
    ['bash', ['bash', '-e', '-c']],
    ['/bin/sh', ['/bin/sh', '-e', '-c']],
    ['python3', ['python3', '-c']],
    ['python3 -I -c', ['python3', '-I', '-c']],
    ['tool', ['tool']],
  ])('runs commands of the shell %s by %j', (shell, words) => {
    expect(stepsOf(`steps: [{ name: a, command: x, shell: ${shell} }]`)[0]?.shell).toEqual(words);
  });

  test('has the steps of its includes first, and others where they stand', () => {
    expect(
      read('includes: [a.yaml]\nsteps:\n  - name: x\n    command: x\n  - include: b.yaml\n').parts,
    ).toMatchObject([
      { kind: 'include', path: 'a.yaml', line: 1, field: 'includes[0]' },
      { kind: 'step', name: 'x' },
      { kind: 'include', path: 'b.yaml', line: 5, field: 'steps[1].include' },
    ]);
  });

  test('may be JSON', () => {
    expect(stepsOf('{"steps": [{"name": "a", "command": "b"}]}')).toHaveLength(1);
  });

  test('of a thousand steps is read, of one more refused', () => {
    const steps = (count: number) =>
      `steps:\n${Array.from({ length: count }, (_, n) => `  - name: step ${n}\n    command: echo ${n}\n    condition: n == ${n}\n`).join('')}`;
    expect(read(steps(1000)).parts).toHaveLength(1000);
    expect(faultsOf(steps(1001))).toEqual(['ci.yaml:2: steps: expected at most 1000 steps']);
  });
});

describe('a fault of a playbook', () => {
  test.each([
    [
      'step',
      'steps:\n  - name: a\n    comand: x',
      'ci.yaml:3: steps[0].comand: there is no such key; did you mean command?',
    ],
    [
      'step',
      'steps:\n  - name: a\n    command: x\n    timeout: 3',
      'ci.yaml:4: steps[0].timeout: there is no such key; expected one of name, command,',
    ],
    ['playbook', 'stpes: []', 'ci.yaml:1: stpes: there is no such key; did you mean steps?'],
    [
      'include',
      'steps:\n  - include: a\n    name: x',
      'ci.yaml:3: steps[0].name: there is no such key; expected one of include',
    ],
  ])('an unknown key of a %s is named with its line and the nearest one', (_what, text, fault) => {
    expect(faultsOf(text).join('\n')).toContain(fault);
  });

  test('every one is told at once, each with file, line and field', () => {
    const faults = faultsOf(`
name: ''
steps:
  - name: a
    command: x
    condition: a = b
    retry_count: -1
  - name: b
    command: echo ${place('steps.a.x')}
    env: { 1x: y }
    workdir: "\${{ oops"
  - just a text
  - name: c
    command: x
    condition: (a
`);
    const places = faults.map((fault) => /^ci\.yaml:\d+: [\w.[\]]+/.exec(fault)?.[0]);
    expect(places).toEqual([
      'ci.yaml:2: name',
      'ci.yaml:7: steps[0].retry_count',
      'ci.yaml:10: steps[1].env.1x',
      'ci.yaml:12: steps[2]',
      'ci.yaml:15: steps[3].condition',
    ]);
  });

  test('a condition that does not parse is told with the place in it', () => {
    expect(faultsOf('steps:\n  - name: a\n    command: x\n    condition: a ==\n')).toEqual([
      'ci.yaml:4: steps[0].condition: expected a name, a text in quotes, a number, true, false, null or ( at the end',
    ]);
  });

  test('a value in a command is refused, since it would be run as a part of it', () => {
    expect(faultsOf(`steps:\n  - name: a\n    command: echo ${place('x')}\n`)[0]).toMatch(
      /^ci\.yaml:3: steps\[0\]\.command: expected no .* give the value as a variable under env, and use "\$NAME"$/,
    );
  });

  test('what the playbook says for all steps is wrong once', () => {
    const text =
      'env: { A: "${' + '{ b" }\nsteps:\n  - { name: a, command: x }\n  - { name: b, command: x }\n';
    expect(faultsOf(text)).toHaveLength(1);
  });

  test.each([
    ['', 'ci.yaml:1: expected a playbook, got an empty file'],
    ['steps: []', 'ci.yaml:1: steps: expected at least one step'],
    ['name: x', 'ci.yaml:1: steps: expected at least one step'],
    ['a: [', 'ci.yaml:1: '],
    ['steps: [{ name: a, command: b }]\n---\nsteps: []', 'ci.yaml:3: expected one playbook in a file'],
    ['- a', 'ci.yaml:1: '],
    [
      'steps:\n  - name: a\n    command: x\n    matrix: {}',
      'ci.yaml:4: steps[0].matrix: expected at least one name',
    ],
    [
      'steps:\n  - name: a\n    command: x\n    matrix: { a b: [1] }',
      'ci.yaml:4: steps[0].matrix.a b: expected letters',
    ],
    [
      'steps:\n  - name: a\n    command: x\n    condition: 3',
      'ci.yaml:4: steps[0].condition: expected a text',
    ],
  ])('%j is refused with its line', (text, fault) => {
    expect(faultsOf(text)[0]?.startsWith(fault)).toBe(true);
  });

  test('a matrix of more than a thousand combinations is refused before it is written out', () => {
    const values = JSON.stringify(Array.from({ length: 1000 }, (_, n) => n));
    const text = `steps: [{ name: a, command: x, matrix: { a: ${values}, b: ${values}, c: ${values} } }]`;
    expect(faultsOf(text)).toEqual([
      'ci.yaml:1: steps[0].matrix: expected at most 1000 combinations, got 1000000000',
    ]);
  });

  test('a file over a mebibyte is refused unread', () => {
    expect(faultsOf('#'.repeat(1024 * 1024 + 1))).toEqual([
      'ci.yaml:1: expected at most 1048576 bytes, got 1048577',
    ]);
  });
});
