/** What is read of deliveries as GitHub has sent them. */
import { describe, expect, test } from 'vitest';
import { isConcerned, refusalOf } from '../../../../internal/trigger/github/filter.ts';
import { githubShape } from '../../../../internal/trigger/github/github-spec.ts';
import { readGithubEvent } from '../../../../internal/trigger/github/read-event.ts';
import { recorded } from '../../../fixtures/github/deliveries.ts';

const of = (name: string) => recorded.filter(([event]) => event === name);
const sha = /^[0-9a-f]{40}$/;

describe('recorded deliveries of GitHub', () => {
  test('concern triggers of their event and repository, whatever the event', () => {
    expect(recorded.length).toBeGreaterThan(300);
    for (const [event, body] of recorded) {
      const read = readGithubEvent(event, body);
      const spec = (more: object = {}) => githubShape.parse({ repository: '*/*', events: [event], ...more });
      expect([event, read.action]).toEqual([event, body.action ?? '']);
      expect([event, isConcerned(spec(), read)]).toEqual([event, body.repository !== undefined]);
      if (body.repository === undefined) continue;
      expect(read.repository).toMatchObject({
        id: body.repository.id,
        fullName: body.repository.full_name,
        cloneUrl: body.repository.clone_url,
        isPrivate: body.repository.private,
      });
      expect(isConcerned(spec({ repository: body.repository.full_name }), read)).toBe(true);
      expect(isConcerned(spec({ repository: 'somebody/else' }), read)).toBe(false);
      const refused = refusalOf(spec({ actions: ['none-of-these'] }), read, false);
      expect([event, refused]).not.toEqual([event, null]);
    }
  });

  test('of pull requests have number, commit, the branch they go to, labels, and no fork', () => {
    for (const name of ['pull_request', 'pull_request_review', 'pull_request_review_comment'])
      for (const [event, body] of of(name))
        expect(readGithubEvent(event, body)).toMatchObject({
          number: body.pull_request.number,
          sha: body.pull_request.head.sha,
          ref: { kind: 'branch', name: body.pull_request.base.ref },
          labels: body.pull_request.labels.map((label: { name: string }) => label.name),
          isPull: true,
          isFork: false,
          sender: { login: body.sender.login },
        });
  });

  test('of pushes have branch or tag, the commit but for what is deleted, and their files', () => {
    const kinds = of('push').map(([event, body]) => {
      const { ref, sha: commit, isDeleted, paths } = readGithubEvent(event, body);
      expect(body.ref).toBe(`refs/${ref?.kind === 'tag' ? 'tags' : 'heads'}/${ref?.name}`);
      expect(isDeleted).toBe(body.deleted);
      if (isDeleted) expect(commit).toBeNull();
      else expect(commit).toBe(body.after);
      const files = body.commits.flatMap((one: Record<string, readonly string[]>) => [
        ...(one.added ?? []),
        ...(one.modified ?? []),
        ...(one.removed ?? []),
      ]);
      expect(paths.listed).toEqual([...new Set(files)]);
      return ref?.kind;
    });
    expect(new Set(kinds)).toEqual(new Set(['tag', 'branch']));
  });

  test('of issues, releases, checks and renamed repositories have what triggers ask for', () => {
    for (const [event, body] of [...of('issues'), ...of('issue_comment')])
      expect(readGithubEvent(event, body)).toMatchObject({
        number: body.issue.number,
        // some are about an issue that is a pull request
        isPull: 'pull_request' in body.issue,
      });
    for (const [event, body] of of('release'))
      expect(readGithubEvent(event, body).ref).toEqual({ kind: 'tag', name: body.release.tag_name });
    for (const [event, body] of of('check_run')) {
      const { appId, sha: commit } = readGithubEvent(event, body);
      expect([appId, commit]).toEqual([body.check_run.app.id, body.check_run.head_sha]);
      expect(commit).toMatch(sha);
    }
    const renamed = of('repository').filter(([, { action }]) => action === 'renamed');
    expect(renamed.map(([event, body]) => readGithubEvent(event, body).repository?.formerName)).toEqual([
      'Octocoders/Hello-World',
    ]);
  });
});
