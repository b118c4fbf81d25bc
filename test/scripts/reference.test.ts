import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { referencePages } from '../../scripts/reference.ts';

const directory = resolve(import.meta.dirname, '../../docs/reference');

test.each(Object.entries(await referencePages()))(
  'docs/reference/%s is what `npm run docs` writes',
  (name, text) => {
    expect(readFileSync(join(directory, name), 'utf8')).toBe(text);
  },
);
