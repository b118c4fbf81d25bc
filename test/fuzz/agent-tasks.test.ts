/** What a runner is given: contexts from dispatchers, configurations from people. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect } from 'vitest';
import { InputError } from '../../internal/domain/errors.ts';
import { readRunnerConfig } from '../../internal/runner/read-config.ts';
import { readRunnerTask } from '../../internal/runner/read-context.ts';
import { maxFileBytes, readRunnerFile } from '../../internal/runner/runner-file.ts';
import { readGuide } from '../docs/guide.ts';
import { fuzzParsers, row } from './parsers.ts';

const yaml = readGuide('docs/agent-tasks.md').blocks('yaml');
const example = (name: string) =>
  readFileSync(resolve(import.meta.dirname, '../../examples/external-services', name), 'utf8');
const json = JSON.stringify({
  ...{ title: 't', repositoryUrl: 'https://github.com/acme/a.git', parents: [{ id: 'p', title: 'above' }] },
  ...{ failure: { errorCode: 'E', errorMessage: 'm', bundle: { a: [1] } }, parameters: { a: { b: null } } },
});

fuzzParsers('the files of agent tasks', [
  row({
    name: 'the context of a task',
    samples: [...yaml.slice(0, 1), example('context.yaml'), json],
    parse: (text) =>
      readRunnerTask(readRunnerFile(text, { file: 'context.yaml', code: 'KERUTA_ERR_TASK_CONTEXT' })),
    refusals: [InputError],
    check: ({ id, context, repositoryUrl }) => {
      expect(id).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/);
      expect(context.title.trim()).not.toBe('');
      expect(repositoryUrl ?? context.slotPath).not.toBeNull();
    },
  }),
  row({
    name: 'the configuration of the runner',
    samples: [...yaml.slice(1), example('runner.yaml')],
    parse: (text) =>
      readRunnerConfig({
        ...readRunnerFile(text, { file: 'runner.yaml', code: 'KERUTA_ERR_CONFIG' }),
        env: {},
      }),
    refusals: [InputError],
    check: ({ timeoutMs, tests }, text) => {
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxFileBytes);
      expect(Number.isSafeInteger(timeoutMs) && timeoutMs > 0).toBe(true);
      expect(tests.rounds).toBeGreaterThanOrEqual(0);
    },
  }),
]);
