/**
 * The door of the built executable. This file and what it imports are the small bundle; the large one lies beside it as
 * an asset with its code cache, and is compiled only when it is needed.
 */
import { getAsset, getRawAsset } from 'node:sea';
// biome-ignore lint/style/noRestrictedImports: the text is our own bundle, embedded at build time
import { Script } from 'node:vm';
import { runProcess } from './doors.ts';

/** Commands that run for long. What they need compiled is kept apart, since all others would have to read it too. */
const roles: readonly (string | undefined)[] = ['server', 'daemon', 'up'];

type Bundle = (
  exports: Record<string, unknown>,
  require: NodeJS.Require,
  module: { exports: unknown },
) => void;

void runProcess(async (argv) => {
  const cache = getRawAsset(roles.includes(argv[0]) ? 'roles.cache' : 'commands.cache');
  const script = new Script(getAsset('large.cjs', 'utf8'), {
    filename: 'keruta-large.cjs',
    ...(cache.byteLength > 0 ? { cachedData: Buffer.from(cache) } : {}),
  });
  const module: { exports: unknown } = { exports: {} };
  (script.runInThisContext() as Bundle)(module.exports as Record<string, unknown>, require, module);
  return (module.exports as typeof import('./large.ts')).runLarge(argv);
});
