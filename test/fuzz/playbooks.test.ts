/** Playbooks, their conditions and what their steps write: from repositories that others fill. */
import { expect } from 'vitest';
import { InputError } from '../../internal/domain/errors.ts';
import { evaluate, judge, type Scope } from '../../internal/playbook/condition/evaluate.ts';
import { maxConditionLength } from '../../internal/playbook/condition/expression.ts';
import { parseCondition } from '../../internal/playbook/condition/parse-condition.ts';
import { fill, parseTemplate } from '../../internal/playbook/condition/template.ts';
import { readOutputs } from '../../internal/playbook/output-file.ts';
import { parsePlaybook } from '../../internal/playbook/parse-playbook.ts';
import { fuzzParsers, row } from './parsers.ts';

const scope: Scope = {
  values: { a: 1, b: 'x', list: [1, { c: null }] },
  matrix: { node: 20 },
  steps: new Map([['build', { status: 'success', outputs: { version: '1' } }]]),
  status: 'success',
  exists: () => true,
};
const conditions = [
  'a == 1 and not (b != "x" or missing)',
  "exists('package.json') && status(build) == 'success'",
  'steps["build"].version >= 1.5 || list[1].c == null',
];
const places = conditions.map((text) => `v\${{ ${text} }}-\${{ matrix.node }}`);

fuzzParsers('playbooks', [
  row({
    name: 'a condition',
    samples: conditions,
    parse: parseCondition,
    refusals: [InputError],
    check: (expression, text) => {
      expect(text.length).toBeLessThanOrEqual(maxConditionLength);
      expect(judge(expression, scope)).toBeTypeOf('boolean');
      expect(typeof evaluate(expression, scope)).not.toBe('function');
    },
  }),
  row({
    name: 'a text with places',
    samples: places,
    parse: parseTemplate,
    refusals: [InputError],
    check: (template) => expect(fill(template, scope)).toBeTypeOf('string'),
  }),
  row({
    name: 'the outputs of a step',
    samples: ['version=1.0\n', 'notes<<EOF\nfirst\nEOF\n', 'a=1\r\nb<<X\r\n2\r\nX'],
    parse: readOutputs,
    check: ({ outputs, fault }) => {
      if (outputs === undefined) expect(fault).toMatch(/^line \d+: expected /);
      else for (const value of Object.values(outputs)) expect(value).toBeTypeOf('string');
    },
  }),
  row({
    name: 'a playbook',
    samples: [
      'name: ci\nsteps:\n  - name: a\n    command: make\n    retry_count: 2\n    condition: a == 1\n',
      `includes: [b.yaml]\nsteps:\n  - { name: t, command: x, matrix: { n: [1, 2] }, env: { A: "\${{ matrix.n }}" } }\n`,
      '{"steps": [{"name": "a", "command": "b", "always": true, "outputs": ["x"]}]}',
    ],
    parse: (text) => parsePlaybook(text, { file: 'a.yaml' }),
    refusals: [InputError],
    check: ({ parts }) => {
      expect(parts.length).toBeGreaterThan(0);
      for (const part of parts) if (part.kind === 'step') expect(part.name).not.toBe('');
    },
    // the parser of YAML is not ours, and slow with many signs of structure
    maxLength: 4 * 1024,
  }),
]);
