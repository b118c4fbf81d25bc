import { expect, test } from 'vitest';
import { parameterText, parameterVariable } from '../../../internal/domain/parameter-variable.ts';

test('makes names of variables out of any name', () => {
  expect(parameterVariable('deploy.target-1')).toBe('KERUTA_PARAM_DEPLOY_TARGET_1');
});

test('a text is itself, everything else is JSON', () => {
  expect(['a b', 1, true, null, [1], undefined].map(parameterText)).toEqual([
    'a b',
    '1',
    'true',
    'null',
    '[1]',
    '',
  ]);
});
