import type { GithubApp } from '../../pkg/github/app.ts';
import { GithubError } from '../../pkg/github/github-error.ts';
import { fenced, plainLine } from '../../pkg/markdown/markdown.ts';
import { type Channel, later, never, taken } from './channel.ts';
import type { ChannelOf } from './channel-shape.ts';

/** A comment that a try before may have written is looked for from so long before the message on: clocks differ; ms. */
const clockSlackMs = 10 * 60_000;

/** Comments at one issue or pull request, in the name of the server's GitHub App. A comment is written once. */
export function githubChannel(name: string, app: GithubApp | null, input: ChannelOf<'github'>): Channel {
  const { repository: fullName, issue, pull } = input;
  const repository = { fullName, id: null };
  const thread = { number: pull ?? issue ?? 0, isPull: pull !== undefined };
  return {
    name,
    type: 'github',
    send: async ({ id, createdAt, isRepeated, subject, text }, signal) => {
      if (app === null) return never('the server has no GitHub App');
      const mark = `<!-- notification ${id} -->`;
      try {
        const since = createdAt - clockSlackMs;
        if (isRepeated && (await app.hasComment(repository, thread, { text: mark, since }, signal)))
          return taken;
        const body = [`**${plainLine(subject)}**`, '', ...fenced(text), '', mark].join('\n');
        await app.comment(repository, thread, body, signal);
        return taken;
      } catch (error) {
        if (signal.aborted) return later('GitHub did not answer in time');
        if (!(error instanceof GithubError)) throw error;
        const why = error.status === 0 ? 'GitHub could not be asked' : `GitHub answered ${error.status}`;
        return error.isPassing ? later(why, error.retryAfterMs) : never(why);
      }
    },
  };
}
