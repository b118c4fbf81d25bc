/** The other sides of channels: real servers on this machine. */
import type { Channel } from '../../../internal/notify/channel.ts';
import { githubChannel } from '../../../internal/notify/github.ts';
import { mailChannel } from '../../../internal/notify/mail.ts';
import { slackChannel } from '../../../internal/notify/slack.ts';
import { webhookChannel } from '../../../internal/notify/webhook.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { GithubApp } from '../../../pkg/github/app.ts';
import { readAppKey } from '../../../pkg/github/app-key.ts';
import { type Http, makeHttp } from '../../../pkg/http/http.ts';
import { makeGuard } from '../../../pkg/outbound/guard.ts';
import { faults, startFakeServer } from '../../fake-server/fake-server.ts';
import { startFakeGithub } from '../../pkg/github/fake-github.ts';
import { startFakeSmtp } from '../../pkg/mail/fake-smtp.ts';
import type { OtherSide } from './channel-contract.ts';

const loopback = ['127.0.0.1'];
const words = 'words of the other side';

/** The other side of a channel that posts. */
async function webSide(
  make: (parts: { http: Http; url: string; secret: string | null }) => Channel,
  secret: string,
) {
  const server = await startFakeServer();
  const clients: Http[] = [];
  const path = '/hook/very-secret-path';
  const url = `${server.url}${path}`;
  server.route('POST', path, { status: 200, text: words });
  server.route('POST', '/elsewhere', { status: 200 });
  let isGood = true;
  const answers = {
    well: { status: 200, text: words },
    refuses: { status: 403, text: words },
    'is busy': { ...faults.tooMany(7), text: words },
    'says nothing': faults.blackHole,
    redirects: { status: 307, headers: { location: '/elsewhere' } },
  } as const;
  const side: OtherSide = {
    channel: ({ secret: given = secret, isAllowed = true } = {}) => {
      const guard = makeGuard(isAllowed ? loopback : []);
      const http = makeHttp({ userAgent: 'test', guard });
      clients.push(http);
      return make({ http, url, secret: given });
    },
    arrived: () =>
      server.requests
        .filter(({ path: at }) => (isGood ? at === path : at === '/elsewhere'))
        .map(({ body, headers }) => `${JSON.stringify(headers)}\n${body}`),
    behave: async (how) => {
      isGood = how === 'well';
      if (how === 'is gone') await server.refuse();
      else server.route('POST', path, answers[how]);
    },
    connections: () => null,
    secrets: [secret, 'very-secret-path', words],
    hasSecret: true,
    isGuarded: true,
    close: async () => {
      for (const http of clients) await http.close();
      await server.close();
    },
  };
  return { side, server, url };
}

/** An incoming webhook of Slack. Its address is its secret. */
export async function slackSide() {
  const made = await webSide(
    ({ http, url, secret }) => slackChannel('ops', { http, url: () => (secret === null ? null : url) }),
    'not used',
  );
  return made;
}

/** Somebody who takes signed messages. */
export const webhookSecret = 'whsec_c2VjcmV0IG9mIG1vcmUgdGhhbiBhIGZldyBieXRlcw==';
/** @see webhookSecret */
export async function webhookSide() {
  return webSide(
    ({ http, url, secret }) =>
      webhookChannel('pager', { http, clock: systemClock, url, secret: () => secret }),
    webhookSecret,
  );
}

/** A mail server. */
export async function mailSide() {
  const smtp = await startFakeSmtp();
  const password = 'sesame-of-mail';
  let isGone = false;
  const close = async () => {
    if (!isGone) await smtp.close();
    isGone = true;
  };
  const side: OtherSide = {
    channel: ({ secret = password, isAllowed = true } = {}) =>
      mailChannel('mail', {
        input: {
          ...{ type: 'mail', host: '127.0.0.1', port: smtp.port, security: 'none', user: 'ann' },
          ...{ from: 'keruta@example.com', to: ['ann@example.com'] },
        } as never,
        guard: makeGuard(isAllowed ? loopback : []),
        password: () => secret,
      }),
    arrived: () => smtp.mails.map(({ data }) => data),
    behave: async (how) => {
      const { options } = smtp;
      if (how === 'is gone') await close();
      if (how === 'refuses') options.answers['DATA.'] = `554 ${words}`;
      if (how === 'is busy') options.answers['DATA.'] = `451 ${words}`;
      if (how === 'says nothing') options.hangsAt = 'connection';
    },
    connections: () => smtp.open(),
    secrets: [password, words],
    hasSecret: true,
    isGuarded: true,
    close,
  };
  return { side, smtp };
}

/** GitHub, with an App. */
export async function githubSide() {
  const fake = await startFakeGithub();
  const http = makeHttp({ userAgent: 'test' });
  const { url: apiUrl, appId, pem } = fake;
  let isGone = false;
  const app = new GithubApp({ apiUrl, appId, key: readAppKey(pem), http, clock: systemClock });
  const side: OtherSide = {
    channel: () =>
      githubChannel('issue', app, { type: 'github', repository: 'acme/site', issue: 7 } as never),
    arrived: () => fake.comments.map(({ body }) => body),
    behave: async (how) => {
      if (how === 'is gone') {
        isGone = true;
        await fake.close();
      }
      if (how === 'refuses') fake.fault = 422;
      if (how === 'is busy') fake.fault = 503;
    },
    connections: () => null,
    secrets: fake.tokens,
    hasSecret: false,
    isGuarded: false,
    close: async () => {
      await http.close();
      if (!isGone) await fake.close();
    },
  };
  return { side, fake };
}
