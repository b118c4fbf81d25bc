import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parsePlaybook } from '../../../internal/playbook/parse-playbook.ts';
import { playbookJsonSchema } from '../../../internal/playbook/playbook-schema.ts';

const isValid = new Ajv2020({ strict: false }).compile(playbookJsonSchema());
const step = (more: string) => `steps:\n  - { name: a, command: x, ${more} }\n`;

describe('the JSON Schema of playbooks', () => {
  test.each([
    'name: x\ndescription: y\nparameters: { lint: true }\nenv: { A: 1 }\nshell: sh\nincludes: [a.yaml]\nsteps:\n  - include: b.yaml\n',
    step('timeout_seconds: 300, retry_count: 2, condition: a == 1, fail_fast: false'),
    step('env: { A: b }, workdir: x, shell: sh, continue_on_error: true, outputs: [v], artifacts: "*.log"'),
    step('artifacts: [a, b], always: true, matrix: { node: [18, "20", true] }, condition: true'),
  ])('takes what is read: %s', (text) => {
    expect(() => parsePlaybook(text, { file: 'a.yaml' })).not.toThrow();
    expect([isValid(parse(text)), isValid.errors]).toEqual([true, null]);
  });

  test.each([
    step('comand: x'),
    step('retry_count: -1'),
    step('timeout_seconds: 0'),
    step('always: maybe'),
    step('matrix: { a: [] }'),
    'steps: []',
    'stepz: []',
    'steps:\n  - include: a\n    name: b\n',
  ])('refuses what is refused: %s', (text) => {
    expect(() => parsePlaybook(text, { file: 'a.yaml' })).toThrow();
    expect(isValid(parse(text))).toBe(false);
  });
});
