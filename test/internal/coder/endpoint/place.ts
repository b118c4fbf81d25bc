/** A slot, an endpoint that says what a test wants, and an agent between them. */
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defaultLimits, type WorkEvent, type WorkRequest } from '../../../../internal/coder/coding-agent.ts';
import { shellRunner } from '../../../../internal/coder/command-runner.ts';
import type { ModelDoor } from '../../../../internal/coder/endpoint/ask-model.ts';
import {
  type EndpointAgentParts,
  endpointAgent,
} from '../../../../internal/coder/endpoint/endpoint-agent.ts';
import type { Clock } from '../../../../pkg/clock/clock.ts';
import { systemClock } from '../../../../pkg/clock/system-clock.ts';
import { TestClock } from '../../../../pkg/clock/test-clock.ts';
import { makeHttp } from '../../../../pkg/http/http.ts';
import { systemRandom } from '../../../../pkg/random/random.ts';
import { noJitter } from '../../../fake-server/api.ts';
import { chatPath } from '../../../fake-server/chat.ts';
import { type FakeReply, startFakeServer } from '../../../fake-server/fake-server.ts';
import { temporaryDirectory } from '../../../fixtures/git.ts';

/** A key and a secret that must not be seen. */
export const key = 'sk-the-key-of-the-endpoint';
export const secret = 'a-secret-of-the-task';

/** Prices of the model of the fake endpoint: 10 and 20 dollars for a million tokens. */
export const prices = { 'gpt-4': { inMicros: 10_000_000, outMicros: 20_000_000, cachedInMicros: 1_000_000 } };

/** Makes a place; waits between tries pass at once when its clock stands still. */
export async function makePlace(
  more: { readonly door?: Partial<ModelDoor>; readonly parts?: Partial<EndpointAgentParts> } = {},
) {
  const top = realpathSync(temporaryDirectory('coder'));
  const [slot, directory, outside] = ['slot', 'work', 'outside'].map((name) => join(top, name)) as [
    string,
    string,
    string,
  ];
  for (const one of [slot, directory, outside, join(slot, '.git')]) mkdirSync(one);
  writeFileSync(join(slot, '.git/config'), '[core]\n');
  writeFileSync(join(outside, 'text'), 'outside');
  const server = await startFakeServer();
  const http = makeHttp({ userAgent: 'test/1' });
  const clock: Clock = more.door?.clock ?? systemClock;
  const events: WorkEvent[] = [];
  const agent = endpointAgent({
    door: {
      ...{ http, clock, random: noJitter, baseUrl: `${server.url}/v1`, key, model: 'gpt-4' },
      ...{ timeoutMs: 10_000, retryCount: 3, maxAnswerTokens: null, ...more.door },
    },
    prices,
    secrets: [{ name: 'SECRET', value: secret }],
    runner: ({ slot: workingDirectory }) =>
      shellRunner({
        ...{ clock: systemClock, random: systemRandom, workingDirectory },
        env: { PATH: process.env.PATH ?? '/usr/bin:/bin', SECRET: secret, GIT_CONFIG_NOSYSTEM: '1' },
      }),
    ...more.parts,
  });
  return {
    ...{ slot, directory, outside, server, events, clock },
    put(path: string, text: string) {
      mkdirSync(dirname(join(slot, path)), { recursive: true });
      writeFileSync(join(slot, path), text);
    },
    read: (path: string) => readFileSync(join(slot, path), 'utf8'),
    /** Everything that was sent, and everything that was written or told. */
    seen: () =>
      [
        ...server.requests.map(({ body }) => body.toString()),
        readFileSync(join(directory, 'transcript.jsonl'), 'utf8'),
        JSON.stringify(events),
      ].join('\n'),
    transcript: () =>
      readFileSync(join(directory, 'transcript.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    work(replies: readonly FakeReply[], request: Partial<WorkRequest> = {}) {
      server.route('POST', chatPath, ...replies);
      return agent.work({
        ...{ slot, directory, prompt: 'Make it so.', limits: defaultLimits, env: {} },
        ...request,
        on: (event) => {
          events.push(event);
          if (event.type === 'retry' && clock instanceof TestClock)
            setImmediate(() => clock.advance(event.delayMs));
          request.on?.(event);
        },
      });
    },
    async close() {
      await http.close();
      await server.close();
    },
  };
}

/** @see makePlace */
export type Place = Awaited<ReturnType<typeof makePlace>>;
