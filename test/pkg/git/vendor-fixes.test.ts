import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findVendorFixes } from '../../../pkg/git/vendor-fixes.ts';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'vendor-'));
});
afterEach(() => {
  rmSync(place, { recursive: true, force: true });
});

/** Puts a package manager on the PATH that says this, and asks. */
function ask(
  version: string,
  says: { readonly dpkg?: string; readonly rpm?: string; readonly changes?: string },
) {
  const put = (name: string, text: string) =>
    writeFileSync(join(place, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  put('dpkg-query', says.dpkg === undefined ? 'exit 1' : `echo '${says.dpkg}'`);
  put('rpm', `case $2 in --changelog) echo '${says.changes ?? ''}';; *) echo '${says.rpm ?? ''}';; esac`);
  const changelogFile = join(place, 'changelog.gz');
  if (says.dpkg !== undefined) writeFileSync(changelogFile, gzipSync(says.changes ?? ''));
  return findVendorFixes({
    environment: { PATH: `${place}:/usr/bin:/bin` },
    limits: { timeoutMs: 10_000 },
    version,
    changelogFile,
  });
}

describe('S-26: fixes that a distribution put into an older git', () => {
  test.each([
    ['1:2.39.5-0+deb12u2', false],
    ['1:2.39.5-0+deb12u3', true],
    ['1:2.39.5-0+deb12u10', true],
    ['1:2.39.5-0ubuntu1', false],
  ])('the Debian package %s has them: %s', async (dpkg, hasFixes) => {
    expect(await ask('2.39.5', { dpkg })).toEqual({ package: `git ${dpkg}`, hasFixes });
  });

  test('a list of changes that names the hole shows that it was closed', async () => {
    const changes = 'git (1:2.43.0-1) noble-security; urgency=medium\n  * SECURITY UPDATE: CVE-2025-48384\n';
    expect(await ask('2.43.0', { dpkg: '1:2.43.0-1', changes })).toMatchObject({ hasFixes: true });
    expect(await ask('2.43.0', { rpm: '2.43.0-1.el9', changes })).toMatchObject({ hasFixes: true });
    expect(await ask('2.43.0', { rpm: '2.43.0-1.el9' })).toMatchObject({ hasFixes: false });
  });

  test('the package of another git than the one that runs says nothing', async () => {
    expect(await ask('2.40.0', { dpkg: '1:2.39.5-0+deb12u3', rpm: '2.39.5-1' })).toBeNull();
    expect(await ask('unknown', {})).toBeNull();
  });
});
