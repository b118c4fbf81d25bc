/**
 * Builds the npm package of the library in lib/dist: one module with what it needs inside, and its types.
 *
 *   node scripts/library.ts
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildLibrary } from './build-library.ts';

const root = resolve(import.meta.dirname, '..');
const out = join(root, 'lib/dist');
rmSync(out, { recursive: true, force: true });
await buildLibrary(join(out, 'index.js'));
copyFileSync(join(root, 'LICENSE'), join(root, 'lib/LICENSE'));

// the types of the rooms below are emitted too, and left behind: the public ones name none of them
const work = mkdtempSync(join(tmpdir(), 'keruta-types-'));
try {
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      stripInternal: true,
      rootDir: root,
      outDir: work,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    },
    include: [join(root, 'lib/src')],
  };
  const file = join(work, 'tsconfig.json');
  writeFileSync(file, JSON.stringify(config));
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', file], {
    stdio: 'inherit',
  });
  cpSync(join(work, 'lib/src'), join(out, 'types'), { recursive: true });
} finally {
  rmSync(work, { recursive: true, force: true });
}
