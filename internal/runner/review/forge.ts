import type { RepositoryUrl } from '../../../pkg/git/repository-url.ts';

/** Where a repository is kept for people. */
export interface Forge {
  readonly kind: 'github' | 'gitlab';
  /** without a slash at the end */
  readonly apiUrl: string;
  /** `owner/name`, of GitLab with groups */
  readonly repository: string;
}

/**
 * Finds out which forge a repository is on: github.com, gitlab.com, and the hosts of `GITHUB_API_URL` and `GITLAB_API_URL`.
 * @returns null = none that is known
 */
export function forgeOf(url: RepositoryUrl, env: Readonly<Record<string, string>>): Forge | null {
  const repository = repositoryOf(url);
  if (repository === null) return null;
  for (const kind of ['github', 'gitlab'] as const) {
    const apiUrl = (env[`${kind.toUpperCase()}_API_URL`] ?? '').replace(/\/+$/, '') || publicApis[kind];
    if (url.host === hostOf(apiUrl) || url.host === `${kind}.com`)
      return { kind, repository, apiUrl: url.host === `${kind}.com` ? publicApis[kind] : apiUrl };
  }
  return null;
}

const publicApis = { github: 'https://api.github.com', gitlab: 'https://gitlab.com/api/v4' } as const;

/** As `RepositoryUrl.host` has it. */
function hostOf(apiUrl: string): string {
  try {
    return new URL(apiUrl).hostname.toLowerCase();
  } catch {
    return '';
  }
}

function repositoryOf({ kind, url }: RepositoryUrl): string | null {
  if (kind === 'local') return null;
  const path = url.includes('://') ? new URL(url).pathname : url.slice(url.indexOf(':') + 1);
  const name = path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  return /^[^/]+(\/[^/]+)+$/.test(name) ? name : null;
}
