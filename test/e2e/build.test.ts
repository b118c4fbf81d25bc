import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

/** What lies beside the executable. That it is the same when it is built again is checked by scripts/rebuild.sh. */
const root = resolve(import.meta.dirname, '../..');
const dist = resolve(root, 'dist');

test('S-71: SHA256SUMS is over the executable and its list of parts, and is right', () => {
  const lines = readFileSync(resolve(dist, 'SHA256SUMS'), 'utf8').trimEnd().split('\n');
  const sums = lines.map((line) => line.split('  '));
  expect(sums.map(([, name]) => name)).toEqual(expect.arrayContaining(['keruta', 'keruta.sbom.json']));
  for (const [wanted, name = ''] of sums)
    expect(hash('sha256', readFileSync(resolve(dist, name))), name).toBe(wanted);
});

test('S-71: the list of parts names what the executable needs, and no tool that only made it', () => {
  const list = JSON.parse(readFileSync(resolve(dist, 'keruta.sbom.json'), 'utf8')) as {
    readonly components: readonly {
      readonly group?: string;
      readonly name: string;
      readonly version: string;
    }[];
  };
  const names = list.components.map(({ group, name }) => (group === undefined ? name : `${group}/${name}`));
  const { dependencies } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  expect(names).toEqual(expect.arrayContaining(['node', ...Object.keys(dependencies)]));
  for (const tool of ['vitest', 'esbuild', 'typescript', '@yao-pkg/pkg', 'tar'])
    expect(names).not.toContain(tool);
});

test('S-71: the executable holds no path of the machine that built it', () => {
  const text = readFileSync(resolve(dist, 'keruta')).toString('latin1');
  expect(text.includes('keruta-large.cjs')).toBe(true);
  expect(text.includes(dist)).toBe(false);
  expect(/dist\/build-\w{6}/.test(text)).toBe(false);
});
