import type { Clock } from '../../pkg/clock/clock.ts';
import type { GithubApp } from '../../pkg/github/app.ts';
import type { Http } from '../../pkg/http/http.ts';
import type { OutboundGuard } from '../../pkg/outbound/guard.ts';
import { InputError } from '../domain/errors.ts';
import type { SecretRef } from '../domain/secret-ref.ts';
import type { Channel } from './channel.ts';
import { githubChannel } from './github.ts';
import { mailChannel } from './mail.ts';
import type { ChannelSpec } from './read-channels.ts';
import { slackChannel } from './slack.ts';
import { webhookChannel } from './webhook.ts';

/** What channels work with. */
export interface ChannelParts {
  /** calls only what the guard lets it, with the limits of messages */
  readonly http: Http;
  readonly guard: OutboundGuard;
  readonly clock: Clock;
  /** null = the server is no GitHub App */
  readonly github: GithubApp | null;
  /** A secret as it is now; null when it is not there, or empty. */
  readonly secret: (ref: SecretRef) => string | null;
}

/**
 * Makes the channels of a server; nothing is called yet.
 * @throws {InputError} KERUTA_ERR_CONFIG: one can never work as it is set up
 */
export function openChannels(specs: readonly ChannelSpec[], parts: ChannelParts): readonly Channel[] {
  return specs.map((spec) => openChannel(spec, parts));
}

function openChannel({ name, input, secret: ref }: ChannelSpec, parts: ChannelParts): Channel {
  const { http, guard, clock, github } = parts;
  const secret = () => (ref === null ? null : parts.secret(ref));
  switch (input.type) {
    case 'slack':
      return slackChannel(name, { http, url: secret });
    case 'webhook':
      refuseHost(name, guard.fault(new URL(input.url).hostname));
      return webhookChannel(name, { http, clock, url: input.url, secret });
    case 'mail':
      refuseHost(name, guard.fault(input.host));
      refuseOpen(name, input);
      return mailChannel(name, { input, guard, password: secret });
    case 'github':
      if (github === null)
        throw wrong(name, 'the server has no GitHub App; set GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY');
      return githubChannel(name, github, input);
  }
}

/** A password, and what happens here, are for the network to read. */
function refuseOpen(
  name: string,
  { host, security }: { readonly host: string; readonly security?: string | undefined },
): void {
  if (security !== 'none' || /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host)) return;
  throw wrong(
    name,
    `security: none is for a mail server on this machine, and ${host} is none; take starttls or tls`,
  );
}

function refuseHost(name: string, fault: string | null): void {
  if (fault === null) return;
  throw wrong(
    name,
    `expected a host of the open internet, got ${fault}; name it in KERUTA_NOTIFY_ALLOW if it is meant`,
  );
}

function wrong(name: string, message: string): InputError {
  return new InputError(
    'KERUTA_ERR_CONFIG',
    `The channel ${name} of notifications cannot be used: ${message}.`,
  );
}
