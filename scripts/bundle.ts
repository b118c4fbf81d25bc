/**
 * Makes the bundles and the executable.
 *
 *   node scripts/bundle.ts [--node PATH] [--arch NAME] [--out FILE] [--failpoints]
 *
 * `--node` is the Node binary that becomes the executable; it must be of the version that runs this script, because the
 * code cache is only taken by the same V8. For another architecture the executable is made without code cache.
 * Beside it lies FILE.sbom.json, what it is made of. The same sources give the same bytes, on Linux (`scripts/rebuild.sh`).
 * `--failpoints` makes a build for fault tests, which can be told where to die; see pkg/failpoint.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { buildLibrary } from './build-library.ts';
import type { Lock } from './lock-file.ts';
import { sbom } from './sbom.ts';

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    node: { type: 'string' },
    out: { type: 'string' },
    arch: { type: 'string' },
    failpoints: { type: 'boolean', default: false },
  },
});
const nodeBinary = resolve(values.node ?? process.execPath);
const out = resolve(values.out ?? join(root, 'dist/keruta'));
const arch = values.arch ?? process.arch;
const native = arch === process.arch;
// a directory of its own, so that two builds at once do not meet
mkdirSync(join(root, 'dist'), { recursive: true });
const work = mkdtempSync(join(root, 'dist/build-'));

const version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
const shared = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  alias: { 'string-width': join(root, 'scripts/string-width.cjs') },
  format: 'cjs',
  minify: true,
  legalComments: 'none',
  // a script that is run from text has no loader for import()
  supported: { 'dynamic-import': false },
  // yargs and others ask for import.meta.url, which CommonJS does not have
  define: {
    'import.meta.url': '__importMetaUrl',
    'process.env.KERUTA_BUILT_VERSION': JSON.stringify(version),
    'process.env.KERUTA_BUILT_FAILPOINTS': JSON.stringify(values.failpoints ? 'on' : 'off'),
  },
  banner: { js: 'const __importMetaUrl = require("node:url").pathToFileURL(process.execPath).href;' },
  logLevel: 'warning',
  metafile: true,
} as const;

const small = await build({
  ...shared,
  entryPoints: [join(root, 'cmd/keruta/sea-main.ts')],
  outfile: join(work, 'small.cjs'),
});
const large = await build({
  ...shared,
  entryPoints: [join(root, 'cmd/keruta/large.ts')],
  outfile: join(work, 'large-body.cjs'),
  // optional parts of packages that are not there, and are not missed
  external: ['pg-native', 'cloudflare:sockets'],
});

// what users' files get that import the library where it is not installed
await buildLibrary(join(work, 'library.mjs'));
const body = readFileSync(join(work, 'large-body.cjs'), 'utf8');
writeFileSync(join(work, 'large.cjs'), `(function(exports,require,module){${body}\n})`);
// A cache that is refused costs nothing but time, and would stay unseen.
writeFileSync(
  join(work, 'try-cache.cjs'),
  `const {Script}=require('node:vm');const [source,cachedData]=process.argv.slice(2).map((path)=>require('node:fs').readFileSync(path));
if(new Script(source.toString(),{filename:'keruta-large.cjs',cachedData}).cachedDataRejected)throw new Error('the code cache is refused');`,
);
// what garbage leaves behind would get into the cache, and when it is collected hangs on how busy the machine is
const ampleMemory = ['--min-semi-space-size=256', '--max-semi-space-size=256', '--initial-heap-size=2000'];
for (const kind of ['commands', 'roles']) {
  const cache = `${kind}.cache`;
  if (native) {
    generate([...ampleMemory, join(root, 'scripts/code-cache.ts'), 'large.cjs', cache, kind]);
    execFileSync(nodeBinary, ['try-cache.cjs', 'large.cjs', cache], { cwd: work, stdio: 'pipe' });
  } else writeFileSync(join(work, cache), '');
}

const seaConfig = {
  disableExperimentalSEAWarning: true,
  useSnapshot: false,
  useCodeCache: native,
  execArgvExtension: 'none',
  // without the accessor __proto__, no object from outside can reach a prototype by it
  execArgv: ['--no-warnings=ExperimentalWarning', '--disable-proto=delete'],
  assets: {
    'large.cjs': join(work, 'large.cjs'),
    'commands.cache': join(work, 'commands.cache'),
    'roles.cache': join(work, 'roles.cache'),
    'library.mjs': join(work, 'library.mjs'),
  },
};
const require = createRequire(import.meta.url);
const temporary = join(work, 'keruta');
if (process.platform === 'darwin') await packForMac();
else await pack();

/**
 * Runs Node so that a code cache comes out the same each time: strings have random hashes, by whose order its tables are laid
 * out, and the warm-up must see nobody's settings. The seed of chance is a flag that does not count for who reads the cache;
 * with `--hash-seed` it would be refused.
 */
function generate(words: readonly string[]): void {
  const env = { PATH: process.env.PATH ?? '', HOME: work, LANG: 'C.UTF-8', TZ: 'UTC' };
  execFileSync(nodeBinary, ['--random-seed=1', ...words], { cwd: work, env, stdio: 'pipe' });
}

/**
 * By the injector of the packager. The packager itself cannot be told with which flags the code cache is made, and would run
 * the binary of another architecture. Names are relative, since the executable holds the one of its main script.
 */
async function pack(): Promise<void> {
  const config = { main: 'small.cjs', output: 'sea.blob', ...seaConfig };
  writeFileSync(join(work, 'sea-config.json'), JSON.stringify(config));
  if (native) generate(['--experimental-sea-config', 'sea-config.json']);
  else
    execFileSync(process.execPath, ['--experimental-sea-config', 'sea-config.json'], {
      cwd: work,
      stdio: 'pipe',
    });
  const ofPackager = createRequire(require.resolve('@yao-pkg/pkg/package.json'));
  const { inject } = ofPackager('postject') as {
    inject: (file: string, name: string, data: Buffer, options: unknown) => Promise<void>;
  };
  copyFileSync(nodeBinary, temporary);
  // The mark that Node looks for; see its documentation of single executable applications.
  const sentinelFuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
  const warn = console.warn;
  // names of sections that nothing looks up
  console.warn = (text: string) => (/^warning: Can't find string offset/.test(text) ? undefined : warn(text));
  await inject(temporary, 'NODE_SEA_BLOB', readFileSync(join(work, 'sea.blob')), { sentinelFuse });
  console.warn = warn;
}

/** By the packager, which also signs. */
async function packForMac(): Promise<void> {
  const packager = require('@yao-pkg/pkg/lib-es5/sea') as {
    default: (entry: string, options: unknown) => Promise<void>;
  };
  await packager.default(join(work, 'small.cjs'), {
    nodePath: nodeBinary,
    seaConfig,
    signature: true,
    targets: [{ nodeRange: 'node24', platform: 'macos', arch, output: temporary }],
  });
}

mkdirSync(dirname(out), { recursive: true });
// beside its name first: who runs the old one, or looks while it is copied, never sees half of it
copyFileSync(temporary, `${out}.new`);
chmodSync(`${out}.new`, 0o755);
renameSync(`${out}.new`, out);

const megabytes = (file: string) => (statSync(file).size / 1e6).toFixed(1);
const bundled = new Set(
  [...Object.keys(small.metafile.inputs), ...Object.keys(large.metafile.inputs)]
    .map((path) => /(?:node_modules\/(?:@[^/]+\/)?[^/]+\/)+/.exec(path)?.[0].slice(0, -1))
    .filter((path) => path !== undefined),
);
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
const parts = sbom({ lock, bundled: [...bundled], runtime: process.versions });
writeFileSync(`${out}.sbom.json`, `${JSON.stringify(parts, null, 1)}\n`);
console.log(
  `${out}: ${megabytes(out)} MB; small bundle ${megabytes(join(work, 'small.cjs'))} MB, large ${megabytes(join(work, 'large.cjs'))} MB, ${bundled.size} packages`,
);
rmSync(work, { recursive: true, force: true });
