/**
 * Looks how old the packages are that the lock file names and did not name before: `node scripts/package-age.ts [REF]`, where
 * REF is a commit (default HEAD: what was just installed). A release that turns out bad is mostly taken back within days.
 *
 * It asks the registry, through npm, for those packages alone; so it is no part of `./scripts/test.sh`, which needs no network. Ends
 * with 1 when one is too young, with 2 when the registry gives no answer.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ageProblems, newReleases } from './dependency-checks.ts';
import { leastAgeDays } from './dependency-rules.ts';
import type { Lock } from './lock-file.ts';

const root = resolve(import.meta.dirname, '..');
const ref = process.argv[2] ?? 'HEAD';
const [command, ...words] = ['git', '-C', root, 'show', `${ref}:package-lock.json`];
const before = JSON.parse(execFileSync(command ?? '', words, { encoding: 'utf8' })) as Lock;
const now = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
const releases = newReleases(before, now);
const published = new Map<string, string>();
for (const { name, version } of releases) {
  const at = publishedAt(name, version);
  if (at === null) {
    console.error(
      `${name}@${version}: the registry does not say when it was published; try again, or look there`,
    );
    process.exit(2);
  }
  published.set(`${name}@${version}`, at);
  console.log(`${at.slice(0, 10)} ${name}@${version}`);
}
const problems = ageProblems(published, new Date().toISOString());
console.log(`${releases.length} new since ${ref}, ${problems.length} of under ${leastAgeDays} days`);
for (const text of problems) console.error(text);
process.exit(problems.length === 0 ? 0 : 1);

function publishedAt(name: string, version: string): string | null {
  try {
    const told = execFileSync('npm', ['view', name, 'time', '--json'], { encoding: 'utf8', stdio: 'pipe' });
    return (JSON.parse(told) as Readonly<Record<string, string>>)[version] ?? null;
  } catch {
    return null;
  }
}
