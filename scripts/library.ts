/**
 * Builds the npm package of the library in lib/dist: one module with what it needs inside, its types, and the licences of
 * the packages that are in it.
 *
 *   node scripts/library.ts [--pack DIRECTORY]
 *
 * With `--pack` the directory gets the package as a file, as `npm install FILE` takes it.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildLibrary } from './build-library.ts';

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { pack: { type: 'string' } } });
const out = join(root, 'lib/dist');
rmSync(out, { recursive: true, force: true });
const packages = await buildLibrary(join(out, 'index.js'));
const notices = packages.map((name) => {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as {
    version: string;
  };
  return `${name} ${version}\n\n${readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8').trim()}\n`;
});
writeFileSync(join(out, 'THIRD-PARTY.txt'), notices.join(`\n${'-'.repeat(80)}\n\n`));
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

if (values.pack !== undefined) {
  const directory = resolve(values.pack);
  mkdirSync(directory, { recursive: true });
  const words = ['pack', '--silent', '--ignore-scripts', '--offline', '--pack-destination', directory];
  const name = execFileSync('npm', words, { cwd: join(root, 'lib'), encoding: 'utf8' }).trim();
  console.log(join(directory, name));
}
