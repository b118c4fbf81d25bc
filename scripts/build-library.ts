/** The library as one ES module without dependencies: for the package, and for the executable, which carries it. */
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');

/** Builds it into a file. */
export async function buildLibrary(file: string): Promise<void> {
  await build({
    entryPoints: [join(root, 'lib/src/index.ts')],
    outfile: file,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    keepNames: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
}
