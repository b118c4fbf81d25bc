import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { expect, test } from 'vitest';

/** What a file loads when it is loaded: neither types nor what is imported later. */
function loaded(file: string): string[] {
  const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*? from '([^']+)';/gm);
  return [...imports].map(([, name = '']) => (name.startsWith('.') ? resolve(dirname(file), name) : name));
}

test('task commands load no package of others: one would double their start', () => {
  const seen = new Set<string>();
  const foreign: string[] = [];
  const look = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const name of loaded(file)) {
      if (name.startsWith('/')) look(name);
      else if (!name.startsWith('node:')) foreign.push(`${file} loads ${name}`);
    }
  };
  look(resolve(import.meta.dirname, '../../cmd/keruta/entry.ts'));
  expect(seen.size).toBeGreaterThan(8);
  expect(foreign).toEqual([]);
});
