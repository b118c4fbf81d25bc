import { describe, expect, test } from 'vitest';
import { isWorthAgain, mapAfterRetries, mapPostgresError } from '../../../internal/store/postgres-errors.ts';
import { PostgresConnectionError } from '../../../pkg/postgres/errors.ts';

const said = (code: string, constraint?: string) =>
  Object.assign(new Error('what it said'), { severity: 'ERROR', code, constraint });

describe('what PostgreSQL says', () => {
  test.each([
    ['08006', 'KERUTA_ERR_STORE_UNAVAILABLE'],
    ['57P01', 'KERUTA_ERR_STORE_UNAVAILABLE'],
    ['25006', 'KERUTA_ERR_STORE_UNAVAILABLE'],
    ['53300', 'KERUTA_ERR_STORE_UNAVAILABLE'],
    ['55P03', 'KERUTA_ERR_STORE_UNAVAILABLE'],
    ['57014', 'KERUTA_ERR_STORE_UNAVAILABLE'],
    ['53100', 'KERUTA_ERR_DISK_FULL'],
    ['23503', 'KERUTA_ERR_NOT_FOUND'],
  ])('%s becomes %s', (code, ours) => {
    expect(mapPostgresError(said(code))).toMatchObject({ code: ours });
  });

  test('about a name or a key that is taken becomes a conflict', () => {
    expect(mapPostgresError(said('23505', 'sessions_name'))).toMatchObject({
      code: 'KERUTA_ERR_SESSION_NAME_TAKEN',
    });
    expect(mapPostgresError(said('23505', 'tasks_idempotency_key'))).toMatchObject({
      code: 'KERUTA_ERR_IDEMPOTENCY',
    });
  });

  test('that is a bug stays one', () => {
    for (const bug of [said('42601'), said('23505', 'other'), new TypeError('x'), 'text'])
      expect(mapPostgresError(bug)).toBe(bug);
  });

  test('about two that got in each other’s way is worth doing again, and then unavailable', () => {
    const deadlock = said('40P01');
    expect(isWorthAgain(mapPostgresError(deadlock))).toBe(true);
    expect(isWorthAgain(said('23505'))).toBe(false);
    expect(mapAfterRetries(deadlock)).toMatchObject({ code: 'KERUTA_ERR_STORE_UNAVAILABLE' });
    expect(mapAfterRetries('other')).toBe('other');
  });

  test('nothing, because the connection broke, is unavailable', () => {
    expect(mapPostgresError(new PostgresConnectionError('gone'))).toMatchObject({
      code: 'KERUTA_ERR_STORE_UNAVAILABLE',
    });
  });
});
