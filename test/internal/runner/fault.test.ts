import { describe, expect, test } from 'vitest';
import { UnavailableError } from '../../../internal/domain/errors.ts';
import { errorOf, PhaseFault } from '../../../internal/runner/fault.ts';
import { GitError } from '../../../pkg/git/git-error.ts';

const away = new UnavailableError('KERUTA_ERR_SERVICE', 'the pool is away');

describe('what went wrong is named', () => {
  test.each([
    ['prepare', 'WorkspacePreparationError'],
    ['implement', 'ImplementationError'],
    ['test', 'TestExecutionError'],
    ['commit', 'ImplementationError'],
    ['push', 'PushError'],
    ['report', 'ArtifactUploadError'],
  ] as const)('after the phase %s', (phase, kind) => {
    expect(errorOf(away, { phase, stopped: null })).toEqual({
      kind,
      message: 'the pool is away',
      details: [],
    });
  });

  test('also when it is git that says it', () => {
    const error = new GitError('refused', '/x is no git work tree; expected its root');
    const told = errorOf(error, { phase: 'prepare', stopped: null });
    expect(told).toMatchObject({ kind: 'WorkspacePreparationError', message: error.message });
  });

  test('as the phase itself says', () => {
    const error = new PhaseFault('TaskContextValidationError', 'no repository', ['a']);
    expect(errorOf(error, { phase: 'prepare', stopped: null })).toEqual({
      ...{ kind: 'TaskContextValidationError', message: 'no repository', details: ['a'] },
    });
  });

  test('as a fault of the runner when nobody expected it', () => {
    for (const error of [new TypeError('x is not a function'), 'x is not a function'])
      expect(errorOf(error, { phase: 'push', stopped: null })).toEqual({
        ...{ kind: 'RunnerError', message: 'x is not a function', details: [] },
      });
  });

  test('by why it was stopped, whatever came of that', () => {
    const stopped = { kind: 'TimeoutError', message: 'too long', details: [] } as const;
    expect(errorOf(away, { phase: 'push', stopped })).toBe(stopped);
  });
});
