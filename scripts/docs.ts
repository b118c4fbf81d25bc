/** Writes the reference pages from the tables: `node scripts/docs.ts`. A test fails when they are stale. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { libraryPage } from './library-page.ts';
import { referencePages } from './reference.ts';

const directory = resolve(import.meta.dirname, '..', 'docs', 'reference');
mkdirSync(directory, { recursive: true });
for (const [name, text] of Object.entries(await referencePages())) {
  writeFileSync(join(directory, name), text);
  console.log(`wrote docs/reference/${name}`);
}
writeFileSync(join(directory, '..', 'library.md'), libraryPage());
console.log('wrote docs/library.md');
