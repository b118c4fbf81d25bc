import { describe, expect, test } from 'vitest';
import { apiPath, normalizeBaseUrl } from '../../../internal/api/base-url.ts';

describe('the address of the API', () => {
  test.each([
    ['http://h:1', 'http://h:1'],
    [' http://h:1/ ', 'http://h:1'],
    ['http://h:1/api/v1', 'http://h:1'],
    ['http://h:1//api/v1//', 'http://h:1'],
    ['https://h/keruta/api/v1/', 'https://h/keruta'],
    ['https://h/keruta?x=1#y', 'https://h/keruta'],
  ])('%s becomes %s', (text, expected) => {
    expect(normalizeBaseUrl(text)).toBe(expected);
  });

  test.each(['', 'localhost:8585', 'h', 'ftp://h', 'file:///x', 'http://u:secret@h', 'http//u:secret@h'])(
    '%j is refused, and no password is shown',
    (text) => {
      expect(() => normalizeBaseUrl(text)).toThrow(expect.objectContaining({ code: 'KERUTA_ERR_BAD_VALUE' }));
      expect(() => normalizeBaseUrl(text)).not.toThrow(/secret/);
    },
  );
});

describe('a path', () => {
  test('keeps an id one part, whatever it holds', () => {
    expect(apiPath('tasks', 'a/b ?#%', 3)).toBe('/api/v1/tasks/a%2Fb%20%3F%23%25/3');
  });

  test.each(['', '.', '..'])('does not take %j for an id', (id) => {
    expect(() => apiPath('tasks', id)).toThrow(expect.objectContaining({ code: 'KERUTA_ERR_BAD_VALUE' }));
  });
});
