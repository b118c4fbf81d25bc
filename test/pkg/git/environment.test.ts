import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { remoteEnvironment } from '../../../pkg/git/environment.ts';
import { parseRepositoryUrl } from '../../../pkg/git/repository-url.ts';
import { temporaryDirectory } from '../../fixtures/git.ts';

test('calls with credentials that begin at once share one askpass program', async () => {
  const privateDirectory = join(temporaryDirectory('private'), 'git');
  const parts = { environment: {}, credentials: 'none', allowLocal: false, privateDirectory } as const;
  const url = parseRepositoryUrl('https://me:secret@host.example/app.git', { allowLocal: false });
  const all = await Promise.all(Array.from({ length: 20 }, () => remoteEnvironment(parts, url)));
  const file = join(privateDirectory, 'askpass');
  expect(new Set(all.map(({ env }) => env.GIT_ASKPASS))).toEqual(new Set([file]));
  expect(readdirSync(privateDirectory)).toEqual(['askpass']);
});
