/** Writes `dist/SHA256SUMS` over what is handed on: the executables and their lists of parts. Read by `sha256sum -c`. */
import { hash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const dist = resolve(import.meta.dirname, '../dist');
const names = readdirSync(dist).filter((name) => /^keruta(-linux-\w+)?(\.sbom\.json)?$/.test(name));
const lines = names.toSorted().map((name) => {
  return `${hash('sha256', readFileSync(join(dist, name)))}  ${name}\n`;
});
writeFileSync(join(dist, 'SHA256SUMS'), lines.join(''));
