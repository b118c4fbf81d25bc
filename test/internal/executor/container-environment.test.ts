import { expect, test } from 'vitest';
import { containerName, labelsOf } from '../../../internal/executor/docker/container-name.ts';
import {
  containerEnvironment,
  environmentText,
} from '../../../internal/executor/shim/container-environment.ts';

const image = ['PATH=/image/bin', 'GOPATH=/go'];

test('what the agent only hands on of its machine gives way to the image, and what a task sets does not', () => {
  const inherited = { PATH: '/agent/bin', HOME: '/home/a', SSH_AUTH_SOCK: '/s', LANG: 'C', USER: 'a' };
  const env = { ...inherited, PATH: '/front:/agent/bin', USER: 'chosen', KERUTA_TASK_ID: 't' };
  const { set, unset } = containerEnvironment({ env, inherited, image });
  expect(set).toEqual({ PATH: '/front:/image/bin', LANG: 'C', USER: 'chosen', KERUTA_TASK_ID: 't' });
  expect(unset).toEqual([]);
});

test('without anything handed on the environment is exactly that of the run', () => {
  const { set, unset } = containerEnvironment({ env: { PATH: '/bin', A: '1' }, inherited: {}, image });
  expect(set).toEqual({ PATH: '/bin', A: '1' });
  expect(unset).toEqual(['HOME', 'HOSTNAME', 'GOPATH']);
});

test('values stand in the text as they are, and names that no shell sets are left out', () => {
  const env = { A: `it's "$x" \`y\`\n`, 'dotted.name': '1', BASH_ENV: '/x', k_hold: '1', PATH: '/bin' };
  const text = environmentText(containerEnvironment({ env, inherited: { HOME: '/' }, image }));
  expect(text).toBe(`export A='it'\\''s "$x" \`y\`\n'\nexport PATH='/bin'\nk_environment=1\n`);
});

test('a run has one name, whoever asks, and its labels name task and attempt', () => {
  const directory = '/base/runs/0f1e-22.13';
  expect(containerName(directory)).toBe(containerName(directory));
  expect(containerName(directory)).not.toBe(containerName(`/other${directory}`));
  expect(containerName('/base/runs/å b.1')).toMatch(/^keruta-__b\.1-[0-9a-f]{12}$/);
  expect(labelsOf({ directory, runId: 'r' }, '/base')).toMatchObject({
    'keruta.task-id': '0f1e-22',
    'keruta.attempt': '13',
    'keruta.agent': '/base',
  });
});
