/** The library as one ES module without dependencies: for the package, and for the executable, which carries it. */
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

const root = resolve(import.meta.dirname, '..');

/** The validator brings its messages in fifty languages, which nothing here asks for: a third of the package. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup: ({ onLoad }) => {
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      loader: 'js',
    }));
  },
};

/** Builds it into a file. @returns the packages that are in it, by name */
export async function buildLibrary(file: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [join(root, 'lib/src/index.ts')],
    outfile: file,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    keepNames: true,
    // names stay, so that a trace of the library can be read
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 120,
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    plugins: [englishOnly],
  });
  const names = Object.keys(metafile.inputs).map(
    (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1],
  );
  return [...new Set(names)].filter((name) => name !== undefined).sort();
}
