/** The last part of a repository's address, without `.git`: `git@host:team/app.git` gives `app`. Fit for a file name. */
export function repositoryName(url: string): string {
  const path = url.replace(/[?#].*$/, '').replace(/\/+$/, '');
  const last = (path.split(/[/:\\]/).pop() ?? '').replace(/\.git$/, '');
  const name = last.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[.-]+/, '');
  return name === '' ? 'repository' : name.slice(0, 100);
}

/** Equal for addresses that differ only in credentials, a final slash or `.git`. */
export function repositoryIdentity(url: string): string {
  return url
    .replace(/^(\w+:\/\/)[^/@]*@/, '$1')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '');
}
