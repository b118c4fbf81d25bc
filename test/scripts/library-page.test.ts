import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { libraryPage } from '../../scripts/library-page.ts';

test('docs/library.md is what `npm run docs` writes', () => {
  const file = resolve(import.meta.dirname, '../../docs/library.md');
  expect(readFileSync(file, 'utf8')).toBe(libraryPage());
});

test.each([
  'schedule',
  'Scheduler',
  'webhook',
  'watch',
  'Watcher',
  'agent',
  'tool',
  'App',
  'CronRegistry',
  'defineWorkflow',
  'RunContext',
])('the page of the library tells of %s, with its comment', (name) => {
  expect(libraryPage()).toMatch(new RegExp(`\n### ${name}\n\n[A-Z][^\n]+`));
});
