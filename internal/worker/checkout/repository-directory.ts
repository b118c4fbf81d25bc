import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { inspectPlace, readMarker } from '../../../pkg/git/own-clone.ts';
import { repositoryIdentity, repositoryName } from '../../../pkg/git/repository-name.ts';
import { cloneMarker } from '../../domain/git-names.ts';

/**
 * The folder in which a repository is cloned: `<base>/<name>`, with a short suffix when a clone of another repository
 * of the same name stands there. The same answer every time for the same repository.
 *
 * @param base absolute
 * @param url  as the session has it
 */
export async function repositoryDirectory(base: string, url: string): Promise<string> {
  const plain = join(base, repositoryName(url));
  if ((await inspectPlace(plain, cloneMarker)) !== 'own') return plain;
  const marker = await readMarker(plain, cloneMarker);
  const wanted = repositoryIdentity(url);
  if (marker === null || marker.url === '' || repositoryIdentity(marker.url) === wanted) return plain;
  return `${plain}-${createHash('sha256').update(wanted).digest('hex').slice(0, 8)}`;
}
