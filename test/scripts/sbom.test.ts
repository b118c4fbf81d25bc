import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Lock } from '../../scripts/lock-file.ts';
import { sbom } from '../../scripts/sbom.ts';

const integrity = `sha512-${Buffer.alloc(64, 7).toString('base64')}`;
const lock: Lock = {
  lockfileVersion: 3,
  packages: {
    '': { name: 'thing', version: '0.1.0', license: 'MIT', dependencies: { '@x/a': '1.0.0' } },
    'node_modules/@x/a': {
      version: '1.0.0',
      license: 'ISC',
      integrity,
      dependencies: { b: '^2.0.0', d: '*' },
    },
    'node_modules/@x/a/node_modules/b': { version: '2.0.0', license: '(MIT OR WTFPL)', integrity },
    'node_modules/b': { version: '1.0.0', license: 'MIT', integrity },
    'node_modules/c/node_modules/b': { version: '2.0.0', license: '(MIT OR WTFPL)', integrity },
    'node_modules/d': { version: '4.0.0', license: 'MIT', integrity },
  },
};
const runtime = { node: '24.21.0', openssl: '3.5.8', modules: '137', nghttp3: '' };
const bundled = ['node_modules/c/node_modules/b', 'node_modules/@x/a', 'node_modules/@x/a/node_modules/b'];

interface Bom {
  readonly components: readonly (Record<string, unknown> & { readonly components?: readonly unknown[] })[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}
const made = (over: Partial<Parameters<typeof sbom>[0]> = {}) =>
  sbom({ lock, bundled, runtime, ...over }) as unknown as Bom;

describe('S-71: the list of parts', () => {
  test('names each bundled package once, with version, licence and checksum', () => {
    expect(made().components.slice(1)).toEqual([
      {
        type: 'library',
        'bom-ref': 'pkg:npm/%40x/a@1.0.0',
        group: '@x',
        name: 'a',
        version: '1.0.0',
        purl: 'pkg:npm/%40x/a@1.0.0',
        licenses: [{ license: { id: 'ISC' } }],
        hashes: [{ alg: 'SHA-512', content: '07'.repeat(64) }],
      },
      expect.objectContaining({ purl: 'pkg:npm/b@2.0.0', licenses: [{ expression: '(MIT OR WTFPL)' }] }),
    ]);
  });

  test('names Node and what Node is made of', () => {
    const [node] = made().components;
    expect(node).toMatchObject({ type: 'platform', name: 'node', version: '24.21.0' });
    expect(node?.components).toEqual([expect.objectContaining({ name: 'openssl', version: '3.5.8' })]);
  });

  test('says who needs whom, among what is in the executable', () => {
    expect(made().dependencies).toEqual([
      { ref: 'pkg:generic/thing@0.1.0', dependsOn: ['pkg:generic/node@24.21.0', 'pkg:npm/%40x/a@1.0.0'] },
      { ref: 'pkg:generic/node@24.21.0', dependsOn: [] },
      { ref: 'pkg:npm/%40x/a@1.0.0', dependsOn: ['pkg:npm/b@2.0.0'] },
      { ref: 'pkg:npm/b@2.0.0', dependsOn: [] },
    ]);
  });

  test('is the same, byte for byte, in whatever order the bundler names packages', () => {
    expect(JSON.stringify(made({ bundled: bundled.toReversed() }))).toBe(JSON.stringify(made()));
    expect(JSON.stringify(made())).not.toMatch(/timestamp|serialNumber/);
  });

  test('is refused for a package that is not locked', () => {
    expect(() => made({ bundled: ['node_modules/e'] })).toThrow(/node_modules\/e is in the bundle/);
  });

  test('knows every package that package.json names for production and that is bundled', () => {
    const ours = JSON.parse(
      readFileSync(resolve(import.meta.dirname, '../../package-lock.json'), 'utf8'),
    ) as Lock;
    const names = Object.keys(ours.packages['']?.dependencies ?? {});
    const list = made({ lock: ours, bundled: names.map((name) => `node_modules/${name}`) });
    expect(list.components).toHaveLength(names.length + 1);
    expect(list.components.slice(1).every(({ licenses, hashes }) => licenses && hashes)).toBe(true);
  });
});
