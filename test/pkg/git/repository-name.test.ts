import { describe, expect, test } from 'vitest';
import { repositoryName } from '../../../pkg/git/repository-name.ts';

describe('repositoryName', () => {
  test.each([
    ['https://h/a/repo.git', 'repo'],
    ['https://h/a/repo.git/', 'repo'],
    ['https://h/a/repo?x=1', 'repo'],
    ['git@h:a/repo.git', 'repo'],
    ['git@host:repo.git', 'repo'],
    ['file:///srv/My Repo', 'My-Repo'],
    ['https://h/a/..', 'repository'],
    ['https://h/a/.git', 'repository'],
    ['https://h/日本', 'repository'],
    ['', 'repository'],
  ])('of %j is %s', (url, name) => {
    expect(repositoryName(url)).toBe(name);
  });
});
