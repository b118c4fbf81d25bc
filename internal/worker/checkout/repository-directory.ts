import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { inspectPlace, readMarker } from '../../../pkg/git/own-clone.ts';
import { cloneMarker } from './names.ts';

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
  if (marker === null || marker.url === '' || identity(marker.url) === identity(url)) return plain;
  return `${plain}-${createHash('sha256').update(identity(url)).digest('hex').slice(0, 8)}`;
}

/** The last part of a repository's address, without `.git`: `git@host:team/app.git` gives `app`. */
export function repositoryName(url: string): string {
  const path = url.replace(/[?#].*$/, '').replace(/\/+$/, '');
  const last = (path.split(/[/:\\]/).pop() ?? '').replace(/\.git$/, '');
  const name = last.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[.-]+/, '');
  return name === '' ? 'repository' : name.slice(0, 100);
}

/** Equal for addresses that differ only in credentials, a final slash or `.git`. */
function identity(url: string): string {
  return url
    .replace(/^(\w+:\/\/)[^/@]*@/, '$1')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '');
}
