import { describe, expect, test } from 'vitest';
import { type ErrorCode, errorTable } from '../../../internal/domain/error-table.ts';
import {
  ConflictError,
  errorOf,
  exitStatusOf,
  httpStatusOf,
  InputError,
  isErrorCode,
  KerutaError,
} from '../../../internal/domain/errors.ts';

describe('the error table', () => {
  test.each(Object.keys(errorTable) as ErrorCode[])('%s makes an error of its own kind', (code) => {
    const error = errorOf(code, 'text', { details: { a: 1 } });
    expect(error).toBeInstanceOf(KerutaError);
    expect(error).toMatchObject({ code, kind: errorTable[code].kind, message: 'text', details: { a: 1 } });
    expect(exitStatusOf(error)).toBeGreaterThanOrEqual(2);
    expect(httpStatusOf(error)).toBeGreaterThanOrEqual(400);
    expect(errorTable[code].doc).toMatch(/\.$/);
  });

  test('exit and HTTP status follow the kind, unless the row says otherwise', () => {
    expect(exitStatusOf(new InputError('KERUTA_ERR_BAD_VALUE', ''))).toBe(2);
    expect(httpStatusOf(new InputError('KERUTA_ERR_BODY_TOO_LARGE', ''))).toBe(413);
    expect(exitStatusOf(new ConflictError('KERUTA_ERR_ASK_TIMEOUT', ''))).toBe(7);
    expect([exitStatusOf(new Error('bug')), httpStatusOf(new Error('bug'))]).toEqual([70, 500]);
  });

  test('only codes of the table are codes', () => {
    expect(isErrorCode('KERUTA_ERR_POLICY')).toBe(true);
    expect(isErrorCode('toString')).toBe(false);
  });
});
