import { expect, test } from 'vitest';
import { contentTypeOf } from '../../../pkg/mime/mime.ts';

test.each([
  ['report.PDF', 'application/pdf'],
  ['a/b.c/notes.md', 'text/markdown; charset=utf-8'],
  ['bundle.tar.gz', 'application/gzip'],
  ['Makefile', 'application/octet-stream'],
  ['dir.txt/plain', 'application/octet-stream'],
  ['.txt', 'application/octet-stream'],
])('%s is %s', (name, type) => {
  expect(contentTypeOf(name)).toBe(type);
});
